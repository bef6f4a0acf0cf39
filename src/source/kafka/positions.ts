import type { KafkaAdmin } from "../../kafka/client.js";
import { settledLeaders } from "../../kafka/settled-leaders.js";
import { CLEAR, type Mark, parseMark } from "./mark.js";

/** Where a group stands in a partition, and what it has kept there. */
export interface Committed {
  readonly offset: number;
  readonly mark: Mark | undefined;
}

/** Where a partition is to be read from. */
export interface Position {
  readonly offset: number;
  readonly mark: Mark;
}

export interface PositionsOptions {
  readonly admin: KafkaAdmin;
  readonly groupId: string;
  /** Where a queue begins that has committed nothing. */
  readonly startAt: "now" | "earliest" | Date;
  /** Whether a topic is read only because the queue reads all topics. */
  readonly isOfAll: (topic: string) => boolean;
}

/** Finds where a group is to read its partitions from. */
export class Positions {
  readonly #options: PositionsOptions;
  readonly #bornAt = Date.now();

  constructor(options: PositionsOptions) {
    this.#options = options;
  }

  /** What the group has committed, by topic and partition. */
  async committed(topics: readonly string[]): Promise<Map<string, Map<number, Committed>>> {
    const { admin, groupId } = this.#options;
    const found = await admin.fetchOffsets({ groupId, topics: [...topics] });
    return new Map(
      found.map(({ topic, partitions }) => [
        topic,
        new Map(
          partitions
            .map(({ partition, offset, metadata }) => {
              const committed = { offset: Number(offset), mark: parseMark(metadata) };
              return [partition, committed] as const;
            })
            .filter(([, { offset }]) => offset >= 0),
        ),
      ]),
    );
  }

  /** Whether the group has committed something in every partition: it begins nowhere later than now. */
  async isComplete(topics: readonly string[]): Promise<boolean> {
    const { admin, groupId } = this.#options;
    const found = await admin.fetchOffsets({ groupId, topics: [...topics] });
    return found.every(({ partitions }) => partitions.every(({ offset }) => Number(offset) >= 0));
  }

  /** Where a group begins in the partitions of a topic in which it has committed nothing. */
  async initial(
    topic: string,
    committed: ReadonlyMap<string, ReadonlyMap<number, Committed>>,
  ): Promise<Map<number, Position>> {
    const all = this.#options.isOfAll(topic);
    const known = startOf(topic, all, committed);
    const mark: Mark = { start: known ?? this.#start(), all, ...CLEAR };
    const offsets = await settledLeaders(() => this.#offsets(topic, known));
    return new Map(
      offsets.map(({ partition, offset }) => [partition, { offset: Number(offset), mark }]),
    );
  }

  #start(): Mark["start"] {
    const { startAt } = this.#options;
    if (startAt === "earliest") return startAt;
    return startAt === "now" ? this.#bornAt : startAt.getTime();
  }

  /** A partition or topic that came after the queue is read from the queue's beginning on. */
  async #offsets(topic: string, known: Mark["start"] | undefined) {
    const { admin, startAt } = this.#options;
    const start = known ?? startAt;
    if (typeof start === "number") return admin.fetchTopicOffsetsByTimestamp(topic, start);
    if (start instanceof Date) return admin.fetchTopicOffsetsByTimestamp(topic, start.getTime());
    const offsets = await admin.fetchTopicOffsets(topic);
    return offsets.map(({ partition, low, high }) => {
      return { partition, offset: start === "now" ? high : low };
    });
  }
}

/** Where the queue began that reads the topic already, or all topics. */
function startOf(
  topic: string,
  all: boolean,
  committed: ReadonlyMap<string, ReadonlyMap<number, Committed>>,
): Mark["start"] | undefined {
  for (const [name, partitions] of committed) {
    for (const { mark } of partitions.values()) {
      if (mark && (name === topic || (all && mark.all))) return mark.start;
    }
  }
  return undefined;
}
