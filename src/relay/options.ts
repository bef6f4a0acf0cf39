import { capabilitiesOf } from "../destination/capabilities.js";
import type { Destination } from "../destination/destination.js";
import { EventsError } from "../message/errors.js";
import { toPattern, toQueue } from "../message/name.js";
import { assertBoolean, assertInteger, assertOptions, MAX_TIMER_MS } from "../message/options.js";
import { assertStartAt, type StartAt } from "../message/start-at.js";
import { consoleLogger } from "../receiver/console-logger.js";
import { type Backoff, exponentialBackoff } from "../receiver/middleware/backoff.js";
import { defaultLimit } from "../receiver/outcome.js";
import type { DeadHandler, ErrorHandler } from "../receiver/report.js";
import type { Logger, Source } from "../source/source.js";

export interface RelayOptions {
  /** What is relayed: the outbox. */
  readonly from: Source;
  readonly to: Destination;
  /** The queue of `from` that says how far the relay has come. All its processes share the work. */
  readonly queue: string;
  /** The names of the messages, and patterns: `user.*`, `*`. */
  readonly names: readonly string[];
  /**
   * The messages of each key (and topic) arrive in the order of the log; one that fails holds those behind it, and no other
   * key's, until it is accepted or dead. All processes of the queue must agree. Default true.
   */
  readonly ordered?: boolean;
  /** Where the queue begins that reads a topic for the first time. Default `now`: what commits after the start. */
  readonly startAt?: StartAt;
  /** Attempts of a message that fails while others are accepted, before it is dead. Default 20. */
  readonly limit?: number;
  /** Between those attempts. Default: exponential, from 1 s to 1 h. */
  readonly backoff?: Backoff;
  /** How long one call of the destination may take, in ms. Default 30,000. */
  readonly timeoutMs?: number;
  readonly breaker?: BreakerOptions;
  /** Told of each call and each message that failed, and of errors of the source. */
  readonly onError?: ErrorHandler;
  readonly onDead?: DeadHandler;
  /** Default: warnings and errors to the console. */
  readonly logger?: Logger;
  /** Aborted, it ends a start that waits for a server: the relay is then only to be stopped. */
  readonly signal?: AbortSignal;
}

/** How a relay treats a destination that accepts nothing. */
export interface BreakerOptions {
  /** It opens after so many failed calls in a row. Default 5. */
  readonly failures?: number;
  /** Between failed calls, by their number. Default: exponential, from 100 ms to 30 s. */
  readonly backoff?: Backoff;
}

/** The options with their defaults. */
export interface Settings
  extends Omit<
      Required<RelayOptions>,
      "breaker" | "backoff" | "startAt" | "onError" | "onDead" | "signal"
    >,
    Pick<RelayOptions, "backoff" | "startAt" | "onError" | "onDead" | "signal"> {
  readonly breaker: Required<BreakerOptions>;
}

const ENDS = ["from", "to", "queue", "names", "ordered", "startAt"];
const FAILURES = ["limit", "backoff", "timeoutMs", "breaker"];
const REPORTS = ["onError", "onDead", "logger", "signal"];

/** Throws `INVALID_OPTIONS`, `INVALID_NAME` or `INVALID_PATTERN`. */
export function settingsOf(options: RelayOptions): Settings {
  assertOptions(options, [...ENDS, ...FAILURES, ...REPORTS], "a relay");
  const { from, to, queue, names, ordered = true, startAt, limit = defaultLimit } = options;
  const { timeoutMs = 30_000, breaker = {}, logger = consoleLogger } = options;
  assertEnds(from, to);
  toQueue(queue);
  assertNames(names);
  assertBoolean("ordered", ordered);
  if (startAt !== undefined) assertStartAt("startAt", startAt);
  assertInteger("limit", limit, 1);
  assertInteger("timeoutMs", timeoutMs, 1, MAX_TIMER_MS);
  return { ...options, ordered, limit, timeoutMs, logger, breaker: breakerOf(breaker) };
}

function breakerOf(options: BreakerOptions): Required<BreakerOptions> {
  assertOptions(options, ["failures", "backoff"], "a relay's breaker");
  const { failures = 5, backoff = defaultBackoff } = options;
  assertInteger("breaker.failures", failures, 1);
  return { failures, backoff };
}

const defaultBackoff = exponentialBackoff({ initialMs: 100, maxMs: 30_000, jitter: 0.5 });

function assertEnds(from: unknown, to: unknown): void {
  if (!hasMethod(from, "start"))
    throw new EventsError(
      "INVALID_OPTIONS",
      'A relay\'s "from" is no source: give postgresSource(...), say.',
    );
  if (!hasMethod(to, "deliver"))
    throw new EventsError(
      "INVALID_OPTIONS",
      'A relay\'s "to" is no destination: give httpDestination(...), say.',
    );
  capabilitiesOf(to as Destination);
}

function hasMethod(value: unknown, name: string): boolean {
  return typeof (value as Record<string, unknown> | null | undefined)?.[name] === "function";
}

function assertNames(names: unknown): void {
  if (!Array.isArray(names) || names.length === 0)
    throw new EventsError(
      "INVALID_OPTIONS",
      'A relay\'s "names" is no list of names: give ["*"] for all.',
    );
  for (const name of names) toPattern(name);
}
