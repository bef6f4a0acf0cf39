import type {
  EachBatchPayload,
  KafkaClient,
  KafkaConsumer,
  KafkaConsumerConfig,
} from "../../kafka/client.js";
import { within } from "../within.js";
import { assigner } from "./assigner.js";

/** A fetch waits so long for records: partitions that are paused and resumed are asked for again only after it. */
const FETCH_WAIT_MS = 100;
/** A consumer that is to leave its group is waited for so long. */
const LEAVE_MS = 5_000;
/** The group waits so long, if the client lets it, for what is committed before it is shared out anew. */
const COMMIT_MS = 2_000;

export interface SessionEvents {
  /** The member has these partitions from now on. Not one record is fetched before it returns. */
  readonly onJoin: (consumer: KafkaConsumer, assigned: Readonly<Record<string, number[]>>) => void;
  /** The group is being shared out anew: what is committed at once counts. */
  readonly onRebalance: () => Promise<void>;
  /** The consumer has ended. */
  readonly onCrash: () => void;
  /** The group has heard of the member. */
  readonly onHeartbeat: () => void;
  readonly eachBatch: (payload: EachBatchPayload) => Promise<void>;
}

/** One consumer, from its connection to its end. A consumer that has crashed is not used again. */
export class Session {
  readonly #consumer: KafkaConsumer;
  readonly #events: SessionEvents;
  #end: (error?: Error) => void = () => {};
  /** Resolves at the end, with the error if it was a crash. */
  readonly ended: Promise<Error | undefined>;
  #running: Promise<void> = Promise.resolve();

  constructor(
    kafka: KafkaClient,
    groupId: string,
    config: Partial<KafkaConsumerConfig>,
    events: SessionEvents,
  ) {
    this.#events = events;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#consumer = kafka.consumer({
      maxWaitTimeInMs: FETCH_WAIT_MS,
      partitionAssigners: [assigner],
      ...config,
      groupId,
      allowAutoTopicCreation: false,
      // A client that restarts by itself can't be stopped while it does: it would join again behind our back.
      retry: { ...config.retry, restartOnFailure: async () => false },
    });
    this.#listen();
  }

  /** Connects, and joins the group. Rejects if it can't connect. */
  async open(topics: readonly string[]): Promise<void> {
    this.#running = this.#open(topics);
    await this.#running;
  }

  /** Leaves the group, so that others take over at once. */
  async close(): Promise<void> {
    this.#end();
    const left = this.#running.catch(() => {}).then(() => this.#consumer.disconnect());
    await within(
      LEAVE_MS,
      left.catch(() => {}),
    );
  }

  async #open(topics: readonly string[]): Promise<void> {
    await this.#consumer.connect();
    await this.#consumer.subscribe({ topics: [...topics], fromBeginning: true });
    await this.#consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      eachBatch: this.#events.eachBatch,
    });
  }

  #listen(): void {
    const consumer = this.#consumer;
    consumer.on?.("consumer.group_join", ({ payload }) =>
      this.#events.onJoin(consumer, payload.memberAssignment),
    );
    consumer.on?.("consumer.heartbeat", () => this.#events.onHeartbeat());
    consumer.on?.("consumer.rebalancing", () => within(COMMIT_MS, this.#events.onRebalance()));
    consumer.on?.("consumer.crash", ({ payload }) => {
      this.#events.onCrash();
      this.#end(payload.error);
    });
  }
}
