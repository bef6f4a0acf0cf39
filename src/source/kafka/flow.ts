import type { KafkaConsumer } from "../../kafka/client.js";
import type { Partition } from "./partition.js";

/** Records of a partition that may be read past the first that isn't finished: so many at the most a crash repeats. */
const MAX_AHEAD = 10_000;

/** Which partitions of a member are fetched: none while it holds enough, and none that is too far ahead. */
export class Flow {
  readonly #maxHeld: number;
  readonly #partitions: () => Iterable<Partition>;
  readonly #paused = new Set<Partition>();
  #isFull = false;

  /** `maxHeld`: records that are held at the most, but for those of one fetch. */
  constructor(maxHeld: number, partitions: () => Iterable<Partition>) {
    this.#maxHeld = maxHeld;
    this.#partitions = partitions;
  }

  get isFull(): boolean {
    return this.#isFull;
  }

  /** Records that are held, in all partitions. */
  get held(): number {
    let held = 0;
    for (const { watermark } of this.#partitions()) held += watermark.open;
    return held;
  }

  /** All partitions are paused, and may not be those of before. */
  begin(): void {
    this.#isFull = this.held >= this.#maxHeld; // what was lost has left room
    this.#paused.clear();
    for (const partition of this.#partitions()) this.#paused.add(partition);
  }

  /** Records have come in a partition, or were finished. True if `set` is to be called for it. */
  look(partition: Partition): boolean {
    const { held } = this;
    const isFull = this.#isFull ? held > this.#maxHeld / 2 : held >= this.#maxHeld;
    const isChanged = isFull !== this.#isFull;
    this.#isFull = isFull;
    const isPaused = this.#paused.has(partition);
    if (isTooFar(partition)) return isChanged || !isPaused;
    return isChanged || (!isFull && isPaused);
  }

  /** Pauses and resumes what is to be. Throws as the consumer does. */
  set(consumer: KafkaConsumer, isStopped: boolean): void {
    for (const partition of this.#partitions()) {
      const isPaused = isStopped || this.#isFull || isTooFar(partition);
      if (isPaused === this.#paused.has(partition)) continue;
      const place = [{ topic: partition.topic, partitions: [partition.id] }];
      if (isPaused) consumer.pause(place);
      else consumer.resume(place);
      this.#paused[isPaused ? "add" : "delete"](partition);
    }
  }
}

function isTooFar({ watermark }: Partition): boolean {
  return watermark.ahead >= MAX_AHEAD;
}
