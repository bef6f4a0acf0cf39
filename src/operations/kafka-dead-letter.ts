import type { KafkaRecord } from "../kafka/client.js";
import { foreignRecord } from "../kafka/foreign.js";
import { headerText, readDeath, readHistory, toRetry } from "../kafka/history.js";
import { fromRecord } from "../kafka/record.js";
import type { Scanned } from "../kafka/scan.js";
import { unreadMessage } from "../kafka/unread.js";
import { matches } from "../message/name.js";
import type { DeadLetter, DeadLetterFilter } from "./dead-letters.js";

const SETTLED = "oe-settled";

/** A dead letter where it stands. */
export interface FoundLetter {
  readonly at: Scanned;
  readonly letter: DeadLetter;
}

/** Undefined for a record that is no dead letter of ours. */
export function letterOf(at: Scanned): FoundLetter | undefined {
  const { record } = at;
  const history = readHistory(record);
  const death = readDeath(record);
  if (!history || !death) return undefined;
  const { queue, failures, redriven } = history;
  const attempts = failures.map(({ attempt, beganAt, failedAt, code, message }) => ({
    attempt,
    beganAt: beganAt === undefined ? undefined : new Date(beganAt),
    failedAt: new Date(failedAt),
    code,
    message,
  }));
  return { at, letter: { queue, message: messageOf(at), attempts, redriven, ...death } };
}

export function fits({ letter }: FoundLetter, filter: DeadLetterFilter): boolean {
  const { queue, message, reason, diedAt } = letter;
  return (
    is(filter.queue, queue) &&
    is(filter.topic, message.topic) &&
    is(filter.key, message.key) &&
    is(filter.id?.toLowerCase(), message.id.toLowerCase()) &&
    is(filter.code, reason.code) &&
    (filter.name === undefined || matches(filter.name, message.name)) &&
    (filter.diedAfter === undefined || diedAt >= filter.diedAfter) &&
    (filter.diedBefore === undefined || diedAt < filter.diedBefore)
  );
}

/** The topic in which its record came first. */
export function originOf({ at }: FoundLetter): string {
  const [topic = ""] = readHistory(at.record)?.origin.split("/") ?? [];
  return topic;
}

/** What gives it back to its queue, due now, and with no attempt made. */
export function redrivenRecord({ at }: FoundLetter): KafkaRecord | undefined {
  const history = readHistory(at.record);
  if (!history) return undefined;
  const fresh = { ...history, attempts: 0, redriven: history.redriven + 1 };
  return toRetry(at.record, fresh, new Date());
}

/** Says in the letter's own partition that it is redriven or purged. */
export function settledRecord({ at }: FoundLetter): KafkaRecord {
  return {
    key: null,
    value: null,
    partition: at.partition,
    headers: { [SETTLED]: String(at.offset) },
  };
}

/** The offset of the letter that a record says is redriven or purged. */
export function settledBy({ record }: Scanned): number | undefined {
  const text = headerText(record.headers ?? {}, SETTLED);
  return text === undefined ? undefined : Number(text);
}

function messageOf({ topic, partition, record }: Scanned) {
  try {
    return fromRecord(record);
  } catch {
    const [origin = topic, id = partition, offset = record.offset] =
      readHistory(record)?.origin.split("/") ?? [];
    return unreadMessage(foreignRecord(origin, Number(id), { ...record, offset }));
  }
}

function is<T>(wanted: T | undefined, actual: T | undefined): boolean {
  return wanted === undefined || wanted === actual;
}
