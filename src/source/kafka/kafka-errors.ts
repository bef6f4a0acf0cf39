/** What errors of clients in the manner of KafkaJS have beside a text. */
interface ClientError {
  readonly name?: unknown;
  readonly type?: unknown;
  readonly cause?: unknown;
}

/** The group has given this member's partitions to others, or is about to: it joins again by itself. */
const REBALANCE =
  /^(REBALANCE_IN_PROGRESS|ILLEGAL_GENERATION|UNKNOWN_MEMBER_ID|FENCED_INSTANCE_ID|NOT_COORDINATOR_FOR_GROUP)$/;

/** What no further try mends: the address is right, and the answer is no. */
const REFUSED =
  /SASL|AUTHENTICATION|AUTHORIZATION_FAILED|INCONSISTENT_GROUP_PROTOCOL|INVALID_SESSION_TIMEOUT|INVALID_GROUP_ID/i;

export function isRebalance(error: unknown): boolean {
  return some(error, ({ type }) => typeof type === "string" && REBALANCE.test(type));
}

export function isRefusal(error: unknown): boolean {
  return some(error, ({ name, type }) => REFUSED.test(String(name)) || REFUSED.test(String(type)));
}

/** The record is over the broker's limit: it can't be written as it is. */
export function isTooLarge(error: unknown): boolean {
  return some(error, ({ type }) => /MESSAGE_TOO_LARGE|RECORD_LIST_TOO_LARGE/.test(String(type)));
}

function some(error: unknown, test: (error: ClientError) => boolean): boolean {
  for (let current = error, depth = 0; depth < 10; depth += 1) {
    if (typeof current !== "object" || current === null) return false;
    if (test(current)) return true;
    current = (current as ClientError).cause;
  }
  return false;
}
