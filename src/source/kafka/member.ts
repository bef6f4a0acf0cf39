import type {
  EachBatchPayload,
  KafkaClient,
  KafkaConsumer,
  KafkaConsumerConfig,
  KafkaMessage,
} from "../../kafka/client.js";
import { KafkaError, toKafkaError } from "../../kafka/kafka-error.js";
import { Loop } from "../loop.js";
import { Assignment } from "./assignment.js";
import { Commits } from "./commits.js";
import { Flow } from "./flow.js";
import type { Mark } from "./mark.js";
import type { Item, Partition } from "./partition.js";
import type { Positions } from "./positions.js";
import { Session } from "./session.js";

/** What is finished is committed at least so often, so that a crash repeats little. */
const COMMIT_MS = 200;
/** How often it is looked whether the group still hears of this member. */
const WATCH_MS = 200;
/** The client's default. */
const SESSION_MS = 30_000;
/** How often it is looked whether other members have said where the group begins in their partitions. */
const PLACE_MS = 50;

export interface MemberOptions {
  readonly kafka: KafkaClient;
  readonly groupId: string;
  readonly topics: readonly string[];
  readonly config: Partial<KafkaConsumerConfig>;
  readonly positions: Positions;
  /** Records that are held at the most, but for those of one fetch. */
  readonly maxHeld: number;
  /** Takes records in, in order. Those that were taken in before must be told by their offset. */
  readonly take: (partition: Partition, records: readonly KafkaMessage[]) => void;
  /** Told once the partitions are known again, after `isSuspended` was true. */
  readonly onResume: () => void;
  readonly onError: (error: unknown) => void;
}

/** A member of a consumer group for as long as its source runs, over crashes of its consumers. */
export class Member {
  /** Resolves once the group has been joined and has a position everywhere; rejects if it never will. */
  readonly joined: Promise<void>;
  readonly #options: MemberOptions;
  readonly #assignment: Assignment;
  readonly #commits: Commits;
  readonly #loops: Readonly<Record<"sessions" | "settle" | "commit" | "place" | "watch", Loop>>;
  readonly #flow: Flow;
  #topics: readonly string[];
  #session: Session | undefined;
  #consumer: KafkaConsumer | undefined;
  #assigned: Readonly<Record<string, readonly number[]>> | undefined;
  #isSuspended = true;
  #isStopped = false;
  #heardAt = 0;
  #settled: () => void = () => {};
  #refuse: (error: unknown) => void = () => {};

  constructor(options: MemberOptions) {
    this.#options = options;
    this.#topics = options.topics;
    this.#assignment = new Assignment(options.positions);
    this.#flow = new Flow(options.maxHeld, () => this.partitions);
    this.joined = new Promise((resolve, reject) => {
      this.#settled = resolve;
      this.#refuse = reject;
    });
    this.joined.catch(() => {});
    const onError = (error: unknown) => options.onError(this.#failed(error));
    this.#commits = new Commits({
      consumer: () => this.#reading,
      partitions: () => this.partitions,
      maxHeld: options.maxHeld,
      onError,
    });
    this.#loops = {
      sessions: new Loop(() => this.#live(), onError),
      settle: new Loop(() => this.#settle(), onError),
      commit: new Loop(() => this.#commits.finished().then(() => COMMIT_MS), onError),
      place: new Loop(() => this.#place(), onError),
      watch: new Loop(() => this.#watch(), onError),
    };
    for (const loop of Object.values(this.#loops)) loop.start();
  }

  /** True while it isn't known which partitions the member has. */
  get isSuspended(): boolean {
    return this.#isSuspended;
  }

  get partitions(): Iterable<Partition> {
    return this.#assignment.partitions;
  }

  /** Reads these topics from now on. */
  async read(topics: readonly string[]): Promise<void> {
    this.#topics = topics;
    await this.#handOver();
    await this.#session?.close();
  }

  /** Reads no more, but stays in the group, and goes on to commit. */
  pause(): void {
    this.#isStopped = true;
    this.#steer();
  }

  get isFull(): boolean {
    return this.#flow.isFull;
  }

  /** Records that are held, in all partitions. */
  get held(): number {
    return this.#flow.held;
  }

  finish({ partition, place }: Item): void {
    partition.watermark.finish(place);
    if (this.#flow.look(partition)) this.#steer();
  }

  /** Commits what is finished, and leaves the group. Outcomes count no longer. */
  async close(): Promise<void> {
    this.#isStopped = true;
    await this.#loops.commit.stop();
    await this.#handOver();
    this.#assignment.lose();
    this.#settled();
    const { sessions, settle, place, watch } = this.#loops;
    const ended = [sessions, settle, place, watch].map((loop) => loop.stop());
    await this.#session?.close();
    await Promise.race([Promise.all(ended), this.#session?.ended]);
  }

  /** The consumer, while it is known which partitions the member has. */
  get #reading(): KafkaConsumer | undefined {
    return this.#isSuspended ? undefined : this.#consumer;
  }

  /** A session, until it ends. */
  async #live(): Promise<number | undefined> {
    const { kafka, groupId, config } = this.#options;
    const session = new Session(kafka, groupId, config, {
      onJoin: (consumer, assigned) => this.#join(consumer, assigned),
      onRebalance: () => this.#handOver(),
      onCrash: () => this.#suspend(),
      onHeartbeat: () => this.#hear(),
      eachBatch: (payload) => this.#take(payload),
    });
    this.#session = session;
    const error = await session.open(this.#topics).then(
      () => session.ended,
      (thrown) => thrown,
    );
    this.#suspend();
    if (this.#isStopped || !error) return 0;
    const failed = this.#failed(error);
    if (failed.code === "KAFKA_REFUSED") this.#refuse(failed);
    throw failed;
  }

  #failed(error: unknown): KafkaError {
    if (error instanceof KafkaError) return error;
    return toKafkaError(`Reading as group ${this.#options.groupId}`, error);
  }

  #hear(): void {
    this.#heardAt = performance.now();
  }

  /** The group has given away by now what this member had, if no heartbeat has got there. */
  async #watch(): Promise<number> {
    const { sessionTimeout = SESSION_MS } = this.#options.config;
    const isUnheard = performance.now() - this.#heardAt > sessionTimeout;
    if (isUnheard && !this.#isSuspended && !this.#isStopped) this.#abandon();
    return WATCH_MS;
  }

  #join(consumer: KafkaConsumer, assigned: Readonly<Record<string, number[]>>): void {
    this.#hear();
    this.#isSuspended = true;
    this.#consumer = consumer;
    this.#assigned = assigned;
    this.#assignment.keepOnly(assigned);
    consumer.pause(Object.entries(assigned).map(([topic, partitions]) => ({ topic, partitions })));
    this.#loops.settle.wake();
  }

  /** Begins anew, with another consumer. */
  #abandon(): void {
    this.#suspend();
    this.#assignment.lose();
    void this.#session?.close();
  }

  /** What others may get from now on is committed first. */
  async #handOver(): Promise<void> {
    const last = this.#commits.last();
    this.#suspend();
    await last.catch((error) => this.#options.onError(this.#failed(error)));
  }

  #suspend(): void {
    this.#isSuspended = true;
    this.#assigned = undefined;
  }

  async #settle(): Promise<undefined> {
    const assigned = this.#assigned;
    const consumer = this.#consumer;
    if (!assigned || !consumer || !this.#isSuspended) return;
    const isCurrent = () => this.#assigned === assigned;
    await this.#assignment.settle(assigned, this.#topics, isCurrent);
    if (!isCurrent()) return;
    this.#assignment.seek(consumer);
    this.#isSuspended = false;
    await this.#commits.again();
    if (!isCurrent()) return;
    this.#flow.begin();
    this.#steer();
    this.#options.onResume();
    await this.#commits.finished();
    this.#loops.place.wake();
  }

  /** Other members say for their partitions where the group begins. */
  async #place(): Promise<number | undefined> {
    if (this.#isSuspended) return undefined;
    const isComplete = await this.#options.positions.isComplete(this.#topics);
    if (!isComplete) return PLACE_MS;
    this.#settled();
    return undefined;
  }

  async #take({ batch, resolveOffset, isStale }: EachBatchPayload): Promise<void> {
    const partition = this.#assignment.of(batch.topic, batch.partition);
    const last = batch.messages.at(-1);
    // What isn't resolved is fetched again.
    if (!partition || !last || this.#isSuspended || this.#isStopped || isStale()) return;
    if (!partition.isBegun && !(await this.#commits.begin(partition))) return;
    this.#options.take(partition, batch.messages);
    resolveOffset(last.offset);
    if (this.#flow.look(partition)) this.#steer();
  }

  /** Commits what is finished in a partition with another mark. False if nobody knows whether that was taken. */
  note(partition: Partition, mark: Mark): Promise<boolean> {
    return this.#commits.note(partition, mark);
  }

  /** Pauses and resumes what is to be. */
  #steer(): void {
    const consumer = this.#reading;
    if (!consumer) return;
    try {
      this.#flow.set(consumer, this.#isStopped);
    } catch {
      // The consumer has ended, of which it tells only later. All is set anew when the next one has joined.
      this.#suspend();
      void this.#session?.close();
    }
  }
}
