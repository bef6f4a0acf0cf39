import { setMaxListeners } from "node:events";
import type { KafkaMessage } from "../../kafka/client.js";
import type { History } from "../../kafka/history.js";
import type { Message } from "../../message/message.js";
import { Lines } from "../lines.js";
import { after } from "../timer.js";
import type { Mark } from "./mark.js";
import { type Place, Watermark } from "./watermark.js";

/** A record on its way through its queue. */
export interface Item {
  readonly partition: Partition;
  readonly place: Place;
  readonly record: KafkaMessage;
  readonly message: Message;
  /** What the queue has done with it so far. */
  history: History;
  /** Milliseconds since 1970; 0 for at once. */
  dueAt: number;
  /** When it was read, in ms since 1970. */
  readonly heldSince: number;
}

interface PartitionOptions {
  readonly topic: string;
  readonly id: number;
  /** What is to be read first. */
  readonly offset: number;
  readonly committed: number;
  readonly mark: Mark;
}

/** A partition that this process has, from the time it is assigned until it is lost. */
export class Partition {
  readonly topic: string;
  readonly id: number;
  readonly watermark: Watermark;
  /** Of each key, the first that isn't over; used by ordered queues. */
  readonly lines: Lines<Item>;
  /** What is committed, as far as we know; -1 for nothing. */
  committed: number;
  /** Goes with each commit. */
  mark: Mark;
  /** Whether this member counts among those that have begun to handle its records. */
  isBegun = false;
  /** Whether the suspect of the mark runs here. */
  isTried = false;
  /** What is to run alone, while another one does. */
  readonly suspects: Item[] = [];
  isTrying = false;
  readonly #waiting = new Map<Item, () => void>();
  readonly #abort = new AbortController();

  constructor({ topic, id, offset, committed, mark }: PartitionOptions) {
    this.topic = topic;
    this.id = id;
    this.mark = mark;
    this.committed = committed;
    this.watermark = new Watermark(offset);
    this.lines = new Lines(({ message: { topic: of, key } }) =>
      key === undefined ? undefined : `${of} ${key}`,
    );
    setMaxListeners(0, this.#abort.signal);
  }

  /** Aborted once the partition is lost: outcomes count no longer. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get isLost(): boolean {
    return this.#abort.signal.aborted;
  }

  /** Whether its records run one at a time, since one of them may have killed those who ran it. */
  get isCareful(): boolean {
    return this.watermark.position < this.mark.carefulTo;
  }

  /** Items that wait for their time. */
  get waiting(): readonly Item[] {
    return [...this.#waiting.keys()];
  }

  /** Calls back when the item is due, unless the partition is lost before. */
  wait(item: Item, ms: number, due: () => void): void {
    const cancel = after(ms, () => {
      this.#waiting.delete(item);
      due();
    });
    this.#waiting.set(item, cancel);
  }

  /** The item waits no more. False if it did not. */
  stopWaiting(item: Item): boolean {
    this.#waiting.get(item)?.();
    return this.#waiting.delete(item);
  }

  lose(): void {
    for (const cancel of this.#waiting.values()) cancel();
    this.#waiting.clear();
    this.#abort.abort();
  }
}
