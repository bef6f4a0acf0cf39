import type { StartAt } from "../message/start-at.js";
import { exponentialBackoff } from "../receiver/middleware/backoff.js";
import type { RelayOptions } from "../relay/options.js";
import type { RelayConfig } from "./schema/relays.js";

/** What an entry of `relays` says of how to relay; its ends are made elsewhere. */
export function relayOptions({
  queue,
  names,
  ordered,
  startAt,
  limit,
  timeoutMs,
  ...waits
}: RelayConfig): Omit<RelayOptions, "from" | "to"> {
  const { retryMs, retryMaxMs, breakerFailures, breakerMs, breakerMaxMs } = waits;
  const at: StartAt = startAt === "now" || startAt === "earliest" ? startAt : new Date(startAt);
  return {
    ...{ queue, names, ordered, startAt: at, limit, timeoutMs },
    backoff: exponentialBackoff({ initialMs: retryMs, maxMs: retryMaxMs, jitter: 0.2 }),
    breaker: {
      failures: breakerFailures,
      backoff: exponentialBackoff({ initialMs: breakerMs, maxMs: breakerMaxMs, jitter: 0.5 }),
    },
  };
}
