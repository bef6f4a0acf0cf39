/** The group has given this member's partitions to others, or is about to: it joins again by itself. */
const ILLEGAL_GENERATION = 22;
const UNKNOWN_MEMBER_ID = 25;
const REBALANCE_IN_PROGRESS = 27;
const FENCED_INSTANCE_ID = 82;
const REBALANCE = new Set<unknown>([
  ILLEGAL_GENERATION,
  UNKNOWN_MEMBER_ID,
  REBALANCE_IN_PROGRESS,
  FENCED_INSTANCE_ID,
]);

/** Whether a commit was refused because the group is being shared out anew. */
export function isRebalance(error: unknown): boolean {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: unknown };
  return REBALANCE.has(code) || (cause !== undefined && cause !== error && isRebalance(cause));
}
