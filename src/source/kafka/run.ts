import type { KafkaAdmin, KafkaClient, OwnKafkaProducer } from "../../kafka/client.js";
import { asKafkaJs } from "../../kafka/confluent/kafka.js";
import { finishWithin } from "../finish-within.js";
import { Lanes } from "../lanes.js";
import type { RunningSource, SourceContext, StopReport } from "../source.js";
import { within } from "../within.js";
import { Company } from "./company.js";
import { untilDone } from "./keep-trying.js";
import type { Settings } from "./options.js";
import { Outlet } from "./outlet.js";
import { QueueRun } from "./queue.js";
import type { Task } from "./stream.js";
import { Topics } from "./topics.js";

/** What is written, committed and told at a stop is waited for so long. */
const FAREWELL_MS = 5_000;

/** A Kafka source between a start and a stop. */
export class KafkaRun implements RunningSource {
  readonly finished: Promise<void>;
  readonly #settings: Settings;
  readonly #context: SourceContext;
  readonly #lanes: Lanes<Task>;
  readonly #company = new Company();
  readonly #kafka: KafkaClient;
  readonly #admin: KafkaAdmin;
  readonly #producer: OwnKafkaProducer;
  readonly #queues: QueueRun[] = [];
  #finish = () => {};

  constructor(settings: Settings, context: SourceContext) {
    this.#settings = settings;
    this.#context = context;
    this.#lanes = new Lanes({
      maxWorkers: settings.maxWorkers,
      concurrencyOf: (queue) => context.queues.get(queue)?.concurrency,
      run: (task, done) => void task.run().then(done),
    });
    // Whoever calls them tries again.
    this.#kafka = asKafkaJs(settings.kafka);
    this.#admin = this.#kafka.admin({ retry: { retries: 2 } });
    this.#producer = this.#kafka.producer({ allowAutoTopicCreation: false });
    this.finished = new Promise((resolve) => {
      this.#finish = resolve;
    });
  }

  /** Resolves once all queues have begun, or a stop was asked for. */
  async start(): Promise<void> {
    const { stopping, onError } = this.#context;
    try {
      const to = { stopping, onError };
      await untilDone("The connection to Kafka", () => this.#admin.connect(), to);
      await untilDone("The connection to Kafka", () => this.#producer.connect(), to);
      const queues = [...this.#context.queues.keys()].map((queue) => this.#queue(queue));
      this.#queues.push(...queues);
      await Promise.all(
        queues.map((queue) => untilDone("The look at Kafka's topics", () => queue.prepare(), to)),
      );
      if (stopping.aborted) return;
      await Promise.race([Promise.all(queues.map((queue) => queue.start())), aborted(stopping)]);
    } catch (error) {
      await this.#leave();
      throw error;
    }
  }

  async stop({ deadlineMs }: { deadlineMs: number }): Promise<StopReport> {
    for (const queue of this.#queues) queue.pause();
    const released = this.#lanes.clear().filter(({ partition }) => !partition.isLost).length;
    const finished = await finishWithin(this.#lanes, deadlineMs);
    await within(FAREWELL_MS, Promise.all(this.#queues.map((queue) => queue.settle())));
    await this.#leave();
    this.#finish();
    return { ...finished, released };
  }

  async #leave(): Promise<void> {
    await Promise.all(this.#queues.map((queue) => queue.close()));
    const clients = [this.#producer.disconnect(), this.#admin.disconnect()];
    await within(FAREWELL_MS, Promise.allSettled(clients));
  }

  #queue(queue: string): QueueRun {
    const { groupIdOf, retryGroupIdOf, ...settings } = this.#settings;
    const groupId = groupIdOf(queue);
    const topics = new Topics({ ...settings, admin: this.#admin });
    return new QueueRun({
      ...settings,
      kafka: this.#kafka,
      queue,
      context: this.#context,
      admin: this.#admin,
      lanes: this.#lanes,
      company: this.#company,
      outlet: new Outlet(this.#producer, this.#context.onError),
      topics,
      groupId,
      retryGroupId: retryGroupIdOf(groupId),
    });
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
