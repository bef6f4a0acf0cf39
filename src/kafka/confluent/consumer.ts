import type {
  EachBatchPayload,
  KafkaConsumer,
  KafkaConsumerConfig,
  KafkaCrash,
  KafkaGroupJoin,
  KafkaRunOptions,
  TopicPartitionOffset,
  TopicPartitions,
} from "../client.js";
import { KafkaError } from "../kafka-error.js";
import type {
  ConfluentAssign,
  ConfluentConsumer,
  ConfluentKafka,
  ConfluentPlace,
} from "./client.js";

/** ERR__ASSIGN_PARTITIONS: the member has them from now on. All else takes them away. */
const ASSIGN = -175;
/** Whoever listens is to say within this time where the partitions are read from. */
const SETTLE_MS = 30_000;
/** Where nothing has come since a seek, it is done again so often, in case it has failed: nobody is told. */
const SURE_MS = 5_000;
const MAX_SEEKS = 3;
/** The client's default. */
const SESSION_MS = 30_000;

interface Listeners {
  "consumer.group_join"?: (event: KafkaGroupJoin) => void;
  "consumer.rebalancing"?: () => Promise<void> | void;
  "consumer.heartbeat"?: () => void;
  "consumer.crash"?: (event: KafkaCrash) => void;
}

/** A partition that the member has. */
interface Place {
  readonly topic: string;
  readonly partition: number;
  /** What is to be read next, if somebody has said so. */
  next: number | undefined;
  isPaused: boolean;
  /** Seeks since the last batch, but for the first; `Infinity` where none is open. */
  seeks: number;
  /** The first record that came, if it was not the next one. */
  first: number | undefined;
}

/** A consumer as `kafkajs` has it. It tells where it stands, and begins where it is told to. */
export function consumerOf(kafka: ConfluentKafka, config: KafkaConsumerConfig): KafkaConsumer {
  return new Consumer(kafka, config);
}

class Consumer implements KafkaConsumer {
  readonly #client: ConfluentConsumer;
  readonly #listeners: Listeners = {};
  readonly #places = new Map<string, Place>();
  #settle: (() => void) | undefined;
  #isOver = false;
  readonly #sessionMs: number;
  #timers: NodeJS.Timeout[] = [];

  constructor(kafka: ConfluentKafka, config: KafkaConsumerConfig) {
    // The assigners are others, and of those that are there only this one fits: all is given back, and then dealt anew.
    const { partitionAssigners: _, retry: __, ...rest } = config;
    this.#sessionMs = config.sessionTimeout ?? SESSION_MS;
    const settings = {
      kafkaJS: { ...rest, autoCommit: false, fromBeginning: true },
      "group.protocol": "classic",
      "partition.assignment.strategy": "roundrobin",
      "enable.auto.commit": false,
      rebalance_cb: (event: { code: number }, places: ConfluentPlace[], fns: ConfluentAssign) =>
        event.code === ASSIGN ? this.#assign(places, fns) : this.#revoke(),
    };
    this.#client = kafka.consumer(settings);
  }

  connect(): Promise<void> {
    return this.#client.connect();
  }

  async disconnect(): Promise<void> {
    this.#isOver = true;
    for (const timer of this.#timers) clearInterval(timer);
    this.#settle?.();
    await this.#client.disconnect();
  }

  subscribe({ topics }: { topics: string[] }): Promise<void> {
    return this.#client.subscribe({ topics });
  }

  async run({ eachBatch, eachBatchAutoResolve = true }: KafkaRunOptions): Promise<void> {
    // The client counts heartbeats by itself, and takes the partitions away when none gets there for too long.
    const beat = () => this.#listeners["consumer.heartbeat"]?.();
    this.#timers = [
      setInterval(beat, this.#sessionMs / 4),
      setInterval(() => this.#seekSurely(), SURE_MS),
    ];
    await this.#client.run({
      eachBatchAutoResolve,
      eachBatch: (payload) => this.#take(payload, eachBatch),
    });
  }

  on(event: keyof Listeners, listener: (event: never) => void): void {
    Object.assign(this.#listeners, { [event]: listener });
  }

  pause(topics: TopicPartitions[]): void {
    const places = this.#of(topics);
    for (const place of places) place.isPaused = true;
    if (this.#isRunning) this.#client.pause(places.map(only));
  }

  resume(topics: TopicPartitions[]): void {
    const places = this.#of(topics);
    for (const place of places) place.isPaused = false;
    if (!this.#isRunning) return;
    this.#client.resume(places.map(only));
    // A pause may have dropped what was fetched before.
    for (const place of places) this.#seek(place);
  }

  seek({ topic, partition, offset }: TopicPartitionOffset): void {
    const place = this.#places.get(keyOf(topic, partition));
    if (!place) return;
    place.next = Number(offset);
    if (this.#settle) this.#settle();
    else this.#seek(place);
  }

  commitOffsets(positions: TopicPartitionOffset[]): Promise<void> {
    return this.#client.commitOffsets(positions);
  }

  /** Partitions can be paused and sought once the client has them. */
  get #isRunning(): boolean {
    return !this.#isOver && !this.#settle;
  }

  /** Not one record is fetched before it is known from where: a seek could fail, and nobody would be told. */
  async #assign(assigned: readonly ConfluentPlace[], fns: ConfluentAssign): Promise<void> {
    this.#places.clear();
    for (const { topic, partition } of assigned) {
      const place = { topic, partition, next: undefined, isPaused: false };
      this.#places.set(keyOf(topic, partition), { ...place, seeks: Infinity, first: undefined });
    }
    const join = this.#listeners["consumer.group_join"];
    if (!join || this.#isOver) return;
    await this.#settled(() => join({ payload: { memberAssignment: byTopic(assigned) } }));
    const places = [...this.#places.values()];
    const begun = places.filter(({ next }) => next !== undefined);
    fns.assign(
      begun.map(({ topic, partition, next }) => ({ topic, partition, offset: next ?? 0 })),
    );
    if (this.#isOver) return;
    // The client remembers what was paused when it had the partition before.
    this.#client.resume(begun.filter(({ isPaused }) => !isPaused).map(only));
    this.#client.pause(begun.filter(({ isPaused }) => isPaused).map(only));
  }

  /** Resolves once the first position is told; all are told at once. */
  async #settled(join: () => void): Promise<void> {
    const settled = new Promise<void>((resolve) => {
      this.#settle = resolve;
    });
    const late = setTimeout(() => this.#crash(), SETTLE_MS);
    join();
    if (this.#places.size > 0) await settled;
    clearTimeout(late);
    this.#settle = undefined;
  }

  #crash(): void {
    const text = `Nobody said within ${SETTLE_MS} ms where partitions are read from.`;
    this.#listeners["consumer.crash"]?.({
      payload: { error: new KafkaError("KAFKA_FAILED", text, {}), restart: false },
    });
  }

  async #revoke(): Promise<void> {
    this.#places.clear();
    // The group waits: what is committed until then counts.
    await this.#listeners["consumer.rebalancing"]?.();
  }

  async #take(payload: EachBatchPayload, eachBatch: KafkaRunOptions["eachBatch"]): Promise<void> {
    const { batch } = payload;
    const place = this.#places.get(keyOf(batch.topic, batch.partition));
    if (!place || (place.next !== undefined && this.#isGap(place, payload))) return;
    place.seeks = Infinity;
    await eachBatch({
      batch: Object.assign(batch, { highWatermark: highWatermark(batch.highWatermark) }),
      heartbeat: () => payload.heartbeat(),
      isRunning: () => payload.isRunning(),
      isStale: () => payload.isStale(),
      resolveOffset: (offset) => {
        place.next = Math.max(place.next ?? 0, Number(offset) + 1);
        payload.resolveOffset(offset);
      },
    });
  }

  /**
   * Whether records may be missing before the batch, which is then asked for again. The client drops what it has fetched when
   * it pauses, and a seek can fail: then what comes after it begins elsewhere each time. Where it begins at the same record
   * again, the log has nothing before it, as after compaction.
   */
  #isGap(place: Place, { batch }: EachBatchPayload): boolean {
    const first = Number(batch.messages[0]?.offset);
    const isGap = first > (place.next ?? 0) && first !== place.first;
    place.first = isGap ? first : undefined;
    if (isGap) this.#seek(place);
    return isGap;
  }

  #seek(place: Place): void {
    const { topic, partition, next } = place;
    if (next === undefined || this.#isOver) return;
    place.seeks = 0;
    this.#client.seek({ topic, partition, offset: String(next) });
  }

  #seekSurely(): void {
    if (!this.#isRunning) return;
    for (const place of this.#places.values()) {
      const { seeks, isPaused } = place;
      if (isPaused || seeks >= MAX_SEEKS) continue;
      this.#seek(place);
      place.seeks = seeks + 1;
    }
  }

  #of(topics: readonly TopicPartitions[]): Place[] {
    return [...this.#places.values()].filter((place) =>
      topics.some(
        ({ topic, partitions }) =>
          topic === place.topic && (!partitions || partitions.includes(place.partition)),
      ),
    );
  }
}

function only({ topic, partition }: Place): TopicPartitions {
  return { topic, partitions: [partition] };
}

function byTopic(places: readonly ConfluentPlace[]): Record<string, number[]> {
  const topics: Record<string, number[]> = {};
  for (const { topic, partition } of places) {
    topics[topic] = [...(topics[topic] ?? []), partition];
  }
  return topics;
}

/** The client has none where it couldn't ask. */
function highWatermark(known: string): string {
  return Number(known) >= 0 ? known : String(Number.MAX_SAFE_INTEGER);
}

function keyOf(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}
