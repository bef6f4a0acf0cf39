import type { KafkaConsumer } from "../../kafka/client.js";
import { begun, type Mark, passed, resigned, showMark } from "./mark.js";
import type { Partition } from "./partition.js";
import { isRebalance } from "./rebalance.js";

export interface CommitsOptions {
  /** Undefined while it isn't known which partitions the member has: others may have moved on in them. */
  readonly consumer: () => KafkaConsumer | undefined;
  readonly partitions: () => Iterable<Partition>;
  /** Records that may run at once. */
  readonly maxHeld: number;
  readonly onError: (error: unknown) => void;
}

/** What a member of a group commits: what is finished, and the marks beside it. */
export class Commits {
  readonly #options: CommitsOptions;

  constructor(options: CommitsOptions) {
    this.#options = options;
  }

  /** Commits what is finished, in those partitions alone in which that has changed. Rejects with the client's error. */
  async finished(): Promise<void> {
    const dirty = [...this.#options.partitions()].filter(isDirty);
    for (const partition of dirty) {
      if (isPast(partition)) partition.mark = passed(partition.mark);
    }
    await this.#send(dirty);
  }

  /** The same, and says of what is still running that this member was not ended by it. */
  async last(): Promise<void> {
    const held = [...this.#options.partitions()].filter(
      (partition) => partition.isBegun || isDirty(partition),
    );
    for (const partition of held) {
      const { mark } = partition;
      partition.mark = isPast(partition) ? passed(mark) : resigned(mark, partition);
      partition.isBegun = false;
    }
    await this.#send(held);
  }

  /** Begins anew with what was given back, and is this member's again. What it never gave back counts already. */
  async again(): Promise<void> {
    const kept = [...this.#options.partitions()].filter(
      ({ isBegun, watermark }) => !isBegun && watermark.open > 0,
    );
    await Promise.all(kept.map((partition) => this.begin(partition)));
  }

  /** Says so before a handler is given the first record, lest it ends the process unseen. */
  async begin(partition: Partition): Promise<boolean> {
    const { watermark, mark: before } = partition;
    const mark = begun(before, watermark.position, this.#options.maxHeld, partition);
    partition.isBegun = true;
    if (!(await this.note(partition, mark))) partition.isBegun = false;
    return partition.isBegun;
  }

  /** Commits what is finished in a partition with another mark. False if nobody knows whether that was taken. */
  async note(partition: Partition, mark: Mark): Promise<boolean> {
    const consumer = this.#options.consumer();
    if (!consumer || partition.isLost) return false;
    const before = partition.mark;
    partition.mark = mark;
    try {
      await commit(consumer, [partition]);
      return !partition.isLost;
    } catch (error) {
      if (partition.mark === mark) partition.mark = before;
      if (!isRebalance(error)) this.#options.onError(error);
      return false;
    }
  }

  async #send(partitions: readonly Partition[]): Promise<void> {
    const consumer = this.#options.consumer();
    if (!consumer || partitions.length === 0) return;
    try {
      await commit(consumer, partitions);
    } catch (error) {
      // What is kept of it is committed after the rebalance.
      if (!isRebalance(error)) throw error;
    }
  }
}

function isDirty({ watermark, committed }: Partition): boolean {
  return watermark.position !== committed;
}

function isPast({ watermark, committed }: Partition): boolean {
  return watermark.position > committed;
}

async function commit(consumer: KafkaConsumer, partitions: readonly Partition[]): Promise<void> {
  const commits = partitions.map((partition) => {
    return { partition, position: partition.watermark.position };
  });
  await consumer.commitOffsets(
    commits.map(({ partition: { topic, id, mark }, position }) => {
      return { topic, partition: id, offset: String(position), metadata: showMark(mark) };
    }),
  );
  for (const { partition, position } of commits) partition.committed = position;
}
