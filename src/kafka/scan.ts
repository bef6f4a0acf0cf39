import { randomUUID } from "node:crypto";
import type { EachBatchPayload, KafkaClient, KafkaMessage } from "./client.js";
import { settledLeaders } from "./settled-leaders.js";

/** A record, and where it stands. */
export interface Scanned {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly record: KafkaMessage;
}

/** Behind the last record of each partition, by topic and partition: `fail-orders/0`. */
export type Ends = Readonly<Record<string, number>>;

/** A fetch waits so long for records. */
const FETCH_WAIT_MS = 100;
/** How often the group is told that this member lives, while somebody handles a batch. */
const HEARTBEAT_MS = 1_000;

export function placeOf({ topic, partition }: Pick<Scanned, "topic" | "partition">): string {
  return `${topic}/${partition}`;
}

/** The ends of all partitions that hold anything. */
export async function endsOf(kafka: KafkaClient, topics: readonly string[]): Promise<Ends> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    const ends: Record<string, number> = {};
    for (const topic of topics) {
      const offsets = await settledLeaders(() => admin.fetchTopicOffsets(topic));
      for (const { partition, low, high } of offsets) {
        if (Number(high) > Number(low)) ends[placeOf({ topic, partition })] = Number(high);
      }
    }
    return ends;
  } finally {
    await admin.disconnect();
  }
}

/**
 * Reads partitions from their begin to the ends given, in order within each, batch by batch as they are asked for. Joins a
 * group of its own, which commits nothing. Rejects with the client's error.
 */
export async function* scan(kafka: KafkaClient, ends: Ends): AsyncGenerator<readonly Scanned[]> {
  const left = new Map(Object.entries(ends));
  if (left.size === 0) return;
  const topics = new Set([...left.keys()].map((place) => place.slice(0, place.lastIndexOf("/"))));
  const batches = new Handover<readonly Scanned[]>();
  const consumer = kafka.consumer({
    groupId: `oe-scan-${randomUUID()}`,
    allowAutoTopicCreation: false,
    maxWaitTimeInMs: FETCH_WAIT_MS,
    retry: { restartOnFailure: async () => false },
  });
  consumer.on?.("consumer.crash", ({ payload }) => batches.fail(payload.error));
  const next = new Map<string, number>();
  const eachBatch = async ({ batch, heartbeat }: EachBatchPayload) => {
    const { topic, partition, messages } = batch;
    const place = placeOf(batch);
    const end = left.get(place);
    const from = next.get(place) ?? 0;
    if (end === undefined) return;
    const found = messages
      .map((record) => ({ topic, partition, offset: Number(record.offset), record }))
      .filter(({ offset }) => offset >= from && offset < end);
    const beats = setInterval(() => heartbeat().catch(() => {}), HEARTBEAT_MS);
    if (found.length > 0) await batches.give(found).finally(() => clearInterval(beats));
    clearInterval(beats);
    // What is behind the last record may be no more than marks of transactions.
    const reached = Math.max(from, Number(messages.at(-1)?.offset ?? -1) + 1);
    next.set(place, reached);
    if (reached >= Math.min(end, Number(batch.highWatermark))) left.delete(place);
    if (left.size === 0) batches.end();
  };
  const open = async () => {
    await consumer.connect();
    await consumer.subscribe({ topics: [...topics], fromBeginning: true });
    await consumer.run({ autoCommit: false, eachBatch });
  };
  open().catch((error) => batches.fail(error));
  try {
    yield* batches;
  } finally {
    batches.end();
    await consumer.disconnect();
  }
}

/** Hands one value after the other to whoever iterates; the giver waits until it is asked for the next. */
class Handover<T> {
  #given: { readonly value: T; readonly taken: () => void } | undefined;
  #isOver = false;
  #error: unknown;
  #wake: () => void = () => {};

  give(value: T): Promise<void> {
    if (this.#isOver) return Promise.resolve();
    return new Promise((resolve) => {
      this.#given = { value, taken: resolve };
      this.#wake();
    });
  }

  fail(error: unknown): void {
    this.#error ??= error;
    this.end();
  }

  end(): void {
    this.#isOver = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    try {
      for (;;) {
        const given = this.#given;
        if (given) {
          yield given.value;
          this.#given = undefined;
          given.taken();
          continue;
        }
        if (this.#error !== undefined) throw this.#error;
        if (this.#isOver) return;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      this.#isOver = true;
      this.#given?.taken();
    }
  }
}
