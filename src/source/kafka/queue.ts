import type { KafkaAdmin, KafkaClient, KafkaConsumerConfig } from "../../kafka/client.js";
import type { ForeignDecoder } from "../../kafka/foreign.js";
import { EventsError } from "../../message/errors.js";
import type { Message } from "../../message/message.js";
import type { Lanes } from "../lanes.js";
import { Loop } from "../loop.js";
import type { SourceContext } from "../source.js";
import { wants } from "../wants.js";
import type { Company } from "./company.js";
import { Member } from "./member.js";
import type { Outlet } from "./outlet.js";
import { Positions, type PositionsOptions } from "./positions.js";
import { readFresh, readRetry } from "./reader.js";
import { Stream, type StreamOptions, type Task } from "./stream.js";
import type { Topics } from "./topics.js";
import { Turns } from "./turns.js";

export interface QueueRunOptions {
  readonly queue: string;
  readonly context: SourceContext;
  readonly kafka: KafkaClient;
  readonly admin: KafkaAdmin;
  readonly lanes: Lanes<Task>;
  readonly company: Company;
  readonly outlet: Outlet;
  readonly topics: Topics;
  readonly groupId: string;
  readonly retryGroupId: string;
  readonly retryTopics: boolean;
  readonly decode: ForeignDecoder | undefined;
  readonly consumer: Partial<KafkaConsumerConfig>;
  readonly maxHeld: number;
  readonly findTopicsMs: number;
}

/** A queue in this process: a member of its group, and one of the group of its retries. */
export class QueueRun {
  readonly #options: QueueRunOptions;
  readonly #subscriptions: SourceContext["subscriptions"];
  readonly #members: Member[] = [];
  readonly #streams: Stream[] = [];
  #turns: Turns | undefined;
  #finder: Loop | undefined;
  #read: readonly string[] = [];

  constructor(options: QueueRunOptions) {
    this.#options = options;
    this.#subscriptions = options.context.subscriptions.filter((s) => s.queue === options.queue);
  }

  /** Finds the topics, and creates what is missing if it may. */
  async prepare(): Promise<void> {
    const { topics } = this.#options;
    this.#read = await topics.of(this.#subscriptions);
    await topics.ensure([...this.#read, ...topics.beside(this.#read)]);
  }

  /** Resolves once the queue has a position everywhere: what is published from then on is read. */
  async start(): Promise<void> {
    const { retryTopics } = this.#options;
    const main = this.#fresh();
    const joined = retryTopics ? [main, this.#retries()] : [main];
    await Promise.all(joined.map((member) => member.joined));
    if (this.#readsAll) this.#find();
  }

  pause(): void {
    for (const member of this.#members) member.pause();
    for (const stream of this.#streams) stream.stop();
  }

  async settle(): Promise<void> {
    await this.#turns?.stop();
  }

  async close(): Promise<void> {
    await Promise.all([this.#finder?.stop(), ...this.#members.map((member) => member.close())]);
  }

  get #readsAll(): boolean {
    return this.#subscriptions.some(({ topic }) => topic === "*");
  }

  get #ordered(): boolean {
    return this.#options.context.queues.get(this.#options.queue)?.ordered ?? false;
  }

  #fresh(): Member {
    const { queue, groupId, decode, topics, retryTopics, context } = this.#options;
    const startAt = context.queues.get(queue)?.startAt ?? "now";
    if (typeof startAt === "object" && !(startAt instanceof Date)) throw noPosition(queue);
    const named = new Set(topics.named(this.#subscriptions));
    const retryTopicOf = retryTopics ? topics.retryOf : undefined;
    const { member } = this.#open(
      this.#read,
      { groupId, startAt, isOfAll: (topic) => !named.has(topic) },
      {
        read: readFresh({ queue, decode, wants: (message) => this.#wants(message) }),
        retryTopicOf: this.#ordered ? undefined : retryTopicOf,
        scheduleTopicOf: retryTopicOf,
        failTopicOf: topics.failOf,
      },
    );
    return member;
  }

  #retries(): Member {
    const { queue, retryGroupId, decode, topics, context } = this.#options;
    const originOf = (topic: string) => this.#read.find((read) => topics.retryOf(read) === topic);
    const { member, stream } = this.#open(
      this.#read.map(topics.retryOf),
      { groupId: retryGroupId, startAt: "earliest", isOfAll: () => false },
      {
        read: readRetry({ queue, decode }, context.onError),
        retryTopicOf: this.#ordered ? undefined : (same) => same,
        scheduleTopicOf: undefined,
        failTopicOf: (topic) => topics.failOf(originOf(topic) ?? topic),
      },
    );
    this.#turns = new Turns(member, stream, context.onError);
    return member;
  }

  #open(
    topics: readonly string[],
    place: Omit<PositionsOptions, "admin">,
    carry: Pick<StreamOptions, "read" | "retryTopicOf" | "scheduleTopicOf" | "failTopicOf">,
  ) {
    const { queue, context, lanes, company, outlet, kafka, admin, maxHeld, consumer } =
      this.#options;
    const ordered = this.#ordered;
    const stream = new Stream({ queue, context, lanes, company, outlet, ordered, ...carry });
    const member = new Member({
      kafka,
      groupId: place.groupId,
      topics,
      config: consumer,
      positions: new Positions({ admin, ...place }),
      maxHeld,
      take: (partition, records) => stream.take(partition, records),
      onResume: () => stream.resume(),
      onError: context.onError,
    });
    stream.attach(member);
    this.#streams.push(stream);
    this.#members.push(member);
    return { member, stream };
  }

  #wants(message: Message): boolean {
    return this.#subscriptions.some((subscription) => wants(subscription, message));
  }

  #find(): void {
    const { context, findTopicsMs } = this.#options;
    this.#finder = new Loop(async () => {
      await this.#look();
      return findTopicsMs;
    }, context.onError);
    this.#finder.start();
  }

  async #look(): Promise<void> {
    const { topics } = this.#options;
    const found = await topics.of(this.#subscriptions);
    const added = found.filter((topic) => !this.#read.includes(topic));
    if (added.length === 0) return;
    await topics.ensure(topics.beside(added));
    this.#read = [...this.#read, ...added];
    const [main, retries] = this.#members;
    await main?.read(this.#read);
    await retries?.read(this.#read.map(topics.retryOf));
  }
}

function noPosition(queue: string): EventsError {
  const text = `Queue ${queue} can't start at a position: Kafka counts each partition by itself.`;
  return new EventsError("INVALID_OPTIONS", `${text} Give a time, "now" or "earliest".`);
}
