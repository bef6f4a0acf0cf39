/** The group has given this member's partitions to others, or is about to: it joins again by itself. */
const REBALANCE = new Set<unknown>([
  "REBALANCE_IN_PROGRESS",
  "ILLEGAL_GENERATION",
  "UNKNOWN_MEMBER_ID",
  "FENCED_INSTANCE_ID",
]);

/** Whether a commit was refused because the group is being shared out anew. */
export function isRebalance(error: unknown): boolean {
  const { type, cause } = (error ?? {}) as { type?: unknown; cause?: unknown };
  return REBALANCE.has(type) || (cause !== undefined && cause !== error && isRebalance(cause));
}
