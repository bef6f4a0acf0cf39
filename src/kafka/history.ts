import { EventsError } from "../message/errors.js";
import type { KafkaHeaders, KafkaMessage, KafkaRecord } from "./client.js";
import { textOf } from "./record-headers.js";

/** The failures that are kept, and the characters of each one's text. */
const KEPT = 20;
const MAX_TEXT = 1_000;
const MAX_STACK = 4_000;

/** An attempt that failed. Times are ISO 8601. */
interface KeptFailure {
  readonly attempt: number;
  readonly beganAt?: string;
  readonly failedAt: string;
  readonly code: string;
  readonly message: string;
}

/** What a queue has done with a record so far. Travels with it in headers of ours, through retry and fail topics. */
export interface History {
  readonly queue: string;
  /** Attempts since the last redrive. */
  readonly attempts: number;
  /** The last 20, oldest first. */
  readonly failures: readonly KeptFailure[];
  /** ISO 8601; of the first that failed, also where that one is no longer kept. */
  readonly firstFailedAt?: string;
  readonly redriven: number;
  /** Topic, partition and offset of the record that came first. */
  readonly origin: string;
}

interface Reason {
  readonly code: string;
  readonly message: string;
  readonly stack?: string;
}

/** Why a queue has given a record up, and when. */
export interface Death {
  readonly reason: Reason;
  readonly diedAt: Date;
}

const NAMES = {
  queue: "oe-queue",
  attempts: "oe-attempts",
  failures: "oe-failures",
  firstFailedAt: "oe-first-failed-at",
  redriven: "oe-redriven",
  origin: "oe-origin",
  dueAt: "oe-due-at",
  reason: "oe-reason",
  diedAt: "oe-died-at",
} as const;

export function newHistory(queue: string, origin: string): History {
  return { queue, attempts: 0, failures: [], redriven: 0, origin };
}

/** With one more attempt that failed. */
export function withFailure(history: History, beganAt: Date, reason: Reason): History {
  const failedAt = new Date().toISOString();
  const attempts = history.attempts + 1;
  const failure: KeptFailure = {
    attempt: attempts,
    beganAt: beganAt.toISOString(),
    failedAt,
    code: reason.code,
    message: reason.message.slice(0, MAX_TEXT),
  };
  return {
    ...history,
    attempts,
    failures: [...history.failures, failure].slice(-KEPT),
    firstFailedAt: history.firstFailedAt ?? failedAt,
  };
}

/** The record as it goes to a retry topic: its key, value and headers stay, byte for byte. */
export function toRetry(record: KafkaMessage, history: History, dueAt: Date): KafkaRecord {
  return withHeaders(record, { ...historyHeaders(history), [NAMES.dueAt]: dueAt.toISOString() });
}

/** The record as it goes to a fail topic. */
export function toDead(record: KafkaMessage, history: History, death: Death): KafkaRecord {
  const { code, message, stack } = death.reason;
  const reason: Reason = {
    code,
    message: message.slice(0, MAX_TEXT),
    ...(stack !== undefined && { stack: stack.slice(0, MAX_STACK) }),
  };
  return withHeaders(record, {
    ...historyHeaders(history),
    [NAMES.reason]: JSON.stringify(reason),
    [NAMES.diedAt]: death.diedAt.toISOString(),
  });
}

/** Undefined if the record has none. Throws `INVALID_ENVELOPE` for one that can't be read. */
export function readHistory({ headers = {} }: Pick<KafkaMessage, "headers">): History | undefined {
  const queue = headerText(headers, NAMES.queue);
  if (queue === undefined) return undefined;
  const firstFailedAt = headerText(headers, NAMES.firstFailedAt);
  return {
    queue,
    attempts: count(headers, NAMES.attempts),
    failures: (parse(headers, NAMES.failures) ?? []) as readonly KeptFailure[],
    ...(firstFailedAt !== undefined && { firstFailedAt }),
    redriven: count(headers, NAMES.redriven),
    origin: headerText(headers, NAMES.origin) ?? "",
  };
}

/** When a record of a retry topic is due, in ms since 1970; 0 if it doesn't say. */
export function readDueAt({ headers = {} }: Pick<KafkaMessage, "headers">): number {
  const time = Date.parse(headerText(headers, NAMES.dueAt) ?? "");
  return Number.isNaN(time) ? 0 : time;
}

/** Undefined if the record has none. Throws `INVALID_ENVELOPE` for one that can't be read. */
export function readDeath({ headers = {} }: Pick<KafkaMessage, "headers">): Death | undefined {
  const reason = parse(headers, NAMES.reason) as Reason | undefined;
  const diedAt = new Date(headerText(headers, NAMES.diedAt) ?? "");
  if (!reason || Number.isNaN(diedAt.getTime())) return undefined;
  return { reason, diedAt };
}

/** Undefined if there is no such header, or if it is no text. */
export function headerText(headers: KafkaHeaders, name: string): string | undefined {
  const value = headers[name];
  return value === undefined ? undefined : (textOf(value) ?? undefined);
}

function historyHeaders(history: History): KafkaHeaders {
  const { queue, attempts, failures, firstFailedAt, redriven, origin } = history;
  return {
    [NAMES.queue]: queue,
    [NAMES.attempts]: String(attempts),
    [NAMES.failures]: JSON.stringify(failures),
    ...(firstFailedAt !== undefined && { [NAMES.firstFailedAt]: firstFailedAt }),
    [NAMES.redriven]: String(redriven),
    [NAMES.origin]: origin,
  };
}

const ours = new Set<string>(Object.values(NAMES));

function withHeaders({ key, value, headers = {} }: KafkaMessage, added: KafkaHeaders): KafkaRecord {
  const kept = Object.entries(headers).filter(([name]) => !ours.has(name));
  return { key, value, headers: { ...Object.fromEntries(kept), ...added } };
}

function count(headers: KafkaHeaders, name: string): number {
  const value = Number(headerText(headers, name) ?? 0);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw unreadable(name);
}

function parse(headers: KafkaHeaders, name: string): unknown {
  const text = headerText(headers, name);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw unreadable(name);
  }
}

function unreadable(name: string): EventsError {
  const text = `The record's header ${name} can't be read: somebody else has written it.`;
  return new EventsError("INVALID_ENVELOPE", text);
}
