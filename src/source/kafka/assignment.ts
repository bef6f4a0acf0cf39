import type { KafkaConsumer } from "../../kafka/client.js";
import { Partition } from "./partition.js";
import type { Committed, Position, Positions } from "./positions.js";

type Assigned = Readonly<Record<string, readonly number[]>>;

/** The partitions that a member of a group has. */
export class Assignment {
  readonly #partitions = new Map<string, Partition>();
  readonly #positions: Positions;

  constructor(positions: Positions) {
    this.#positions = positions;
  }

  get partitions(): Iterable<Partition> {
    return this.#partitions.values();
  }

  of(topic: string, partition: number): Partition | undefined {
    return this.#partitions.get(keyOf(topic, partition));
  }

  /** What others have from now on is lost. */
  keepOnly(assigned: Assigned): void {
    for (const partition of this.#partitions.values()) {
      if (!assigned[partition.topic]?.includes(partition.id)) this.#lose(partition);
    }
  }

  /**
   * Goes on where the group stands. A partition that this member had before is kept with all that it holds, unless another
   * member has moved on in it meanwhile. `isCurrent` says whether the group has not been shared out anew since.
   */
  async settle(
    assigned: Assigned,
    topics: readonly string[],
    isCurrent: () => boolean,
  ): Promise<void> {
    const committed = await this.#positions.committed(topics);
    if (!isCurrent()) return;
    for (const [topic, ids] of Object.entries(assigned)) {
      const known = committed.get(topic);
      const isNew = (id: number) => this.#isNew(topic, id, known?.get(id));
      const fresh = ids.filter(isNew);
      if (fresh.length === 0) continue;
      const initial = await this.#positions.initial(topic, committed);
      if (!isCurrent()) return;
      for (const id of fresh.filter(isNew)) this.#add(topic, id, known?.get(id), initial.get(id));
    }
  }

  /** Sets a consumer to what is to be read next. */
  seek(consumer: KafkaConsumer): void {
    for (const { topic, id, watermark } of this.partitions) {
      consumer.seek({ topic, partition: id, offset: String(watermark.next) });
    }
  }

  lose(): void {
    for (const partition of this.partitions) this.#lose(partition);
  }

  #isNew(topic: string, id: number, known: Committed | undefined): boolean {
    const partition = this.of(topic, id);
    if (!partition) return true;
    const { committed, watermark } = partition;
    const isOurs = known
      ? known.offset >= committed && known.offset <= watermark.position
      : committed < 0;
    if (!isOurs) this.#lose(partition);
    return !isOurs;
  }

  #add(
    topic: string,
    id: number,
    known: Committed | undefined,
    initial: Position | undefined,
  ): void {
    if (!initial) return; // deleted meanwhile: the group is told so
    const { offset } = known ?? initial;
    const mark = known?.mark ?? initial.mark;
    const committed = known ? offset : -1;
    const partition = new Partition({ topic, id, offset, committed, mark });
    this.#partitions.set(keyOf(topic, id), partition);
  }

  #lose(partition: Partition): void {
    partition.lose();
    this.#partitions.delete(keyOf(partition.topic, partition.id));
  }
}

function keyOf(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}
