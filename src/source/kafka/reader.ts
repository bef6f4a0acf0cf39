import type { KafkaMessage } from "../../kafka/client.js";
import { type ForeignDecoder, foreignRecord } from "../../kafka/foreign.js";
import { type History, newHistory, readDueAt, readHistory } from "../../kafka/history.js";
import { fromRecord, isOurs } from "../../kafka/record.js";
import { unreadMessage } from "../../kafka/unread.js";
import { EventsError } from "../../message/errors.js";
import type { Message } from "../../message/message.js";
import { dueAt } from "../due.js";
import type { DeadReason } from "../source.js";
import type { Partition } from "./partition.js";

/** What a record is to its queue. */
export interface Read {
  readonly message: Message;
  readonly history: History;
  /** Milliseconds since 1970; 0 for at once. */
  readonly dueAt: number;
  /** Why it can't be handled at all. */
  readonly dead?: DeadReason;
}

export interface ReaderOptions {
  readonly queue: string;
  readonly decode: ForeignDecoder | undefined;
}

type Place = Pick<Partition, "topic" | "id">;

/** Reads the records of a queue's own topics. Undefined is what no subscription asks for. */
export function readFresh({
  queue,
  decode,
  wants,
}: ReaderOptions & { readonly wants: (message: Message) => boolean }) {
  return (place: Place, record: KafkaMessage): Read | undefined => {
    const history = newHistory(queue, `${place.topic}/${place.id}/${record.offset}`);
    const { message, dead } = decodeRecord(place, record, decode);
    if (dead) return { message, history, dueAt: 0, dead };
    return wants(message) ? { message, history, dueAt: dueAt(message) } : undefined;
  };
}

/** Reads the records of retry topics. Undefined is what is another queue's. */
export function readRetry({ queue, decode }: ReaderOptions, onError: (error: unknown) => void) {
  return (place: Place, record: KafkaMessage): Read | undefined => {
    const history = historyOf(place, record, onError);
    if (history?.queue !== queue) return undefined;
    const { message, dead } = decodeRecord(originOf(history, place), record, decode);
    return { message, history, dueAt: readDueAt(record), ...(dead && { dead }) };
  };
}

/** The record keeps the id that a decoder gave it where it came first. */
function originOf({ origin }: History, place: Place): Place & { offset?: string } {
  const [topic, id, offset] = origin.split("/");
  return topic && id && offset ? { topic, id: Number(id), offset } : place;
}

function decodeRecord(
  place: Place & { offset?: string },
  record: KafkaMessage,
  decode: ForeignDecoder | undefined,
): { message: Message; dead?: DeadReason } {
  const { topic, id, offset = record.offset } = place;
  const foreign = () => foreignRecord(topic, id, { ...record, offset });
  try {
    if (decode && !isOurs(record)) return { message: decode(foreign()) };
    return { message: fromRecord(record) };
  } catch (error) {
    return { message: unreadMessage(foreign()), dead: reasonOf(error) };
  }
}

function reasonOf(error: unknown): DeadReason {
  if (!(error instanceof Error)) {
    return { code: "FOREIGN_MESSAGE", message: "The decoder threw a value that is no Error." };
  }
  const code = error instanceof EventsError ? error.code : "FOREIGN_MESSAGE";
  return { code, message: error.message, ...(error.stack && { stack: error.stack }) };
}

function historyOf(
  place: Place,
  record: KafkaMessage,
  onError: (error: unknown) => void,
): History | undefined {
  try {
    const history = readHistory(record);
    if (history) return history;
    throw new EventsError(
      "FOREIGN_MESSAGE",
      "The record says of no queue that it waits for it. It is passed.",
    );
  } catch (cause) {
    const text = `A record in ${place.topic}, partition ${place.id}, offset ${record.offset} was not written by a source.`;
    onError(
      new EventsError("FOREIGN_MESSAGE", `${text} It is passed, and stays there.`, { cause }),
    );
    return undefined;
  }
}
