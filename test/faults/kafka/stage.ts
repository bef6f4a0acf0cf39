import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Kafka, logLevel } from "kafkajs";
import type { OwnKafkaServer } from "../../../scripts/kafka-binaries.js";
import { createMessage } from "../../../src/index.js";
import { kafkaDeadLetters, kafkaDestination } from "../../../src/kafka.js";
import type { FaultyProxy } from "../../support/proxy.js";
import { Book } from "../book.js";
import { Child, EndedEarly } from "../children.js";
import { type Kind, POISONED, type PublishedLine, QUEUE, RUN } from "../messages.js";
import { Recorder } from "../record.js";
import type { Fault } from "../tally.js";
import { until, untilCounted } from "../until.js";

const TOPIC = "job";
const TOPICS = [TOPIC, `retry-${TOPIC}`, `fail-${TOPIC}`];
const PARTITIONS = 6;
const KEYS = 40;
const BATCH = 500;
const MAX_WORKERS = 10;
const WORKER = { handleMs: 40, maxWorkers: MAX_WORKERS, sessionMs: 1_500 };

export interface KafkaServer {
  readonly server: OwnKafkaServer;
  /** Leads to the broker. */
  readonly proxy: FaultyProxy;
}

/** Where a case on Kafka plays: fresh topics, messages in them, workers in processes of their own, and their book. */
export class KafkaStage {
  readonly faults: Fault[] = [];
  /** What ended that nobody has ended. */
  readonly broken: string[] = [];
  readonly kafka: Kafka;
  readonly place: KafkaServer;
  readonly #root: URL;
  readonly #folder: string;
  readonly #book: Book;
  readonly #workers = new Set<Child>();
  #count = 0;
  #isClosing = false;

  private constructor(place: KafkaServer, root: URL, folder: string) {
    this.place = place;
    this.#root = root;
    this.#folder = folder;
    this.#book = new Book(folder);
    const { brokers } = place.server;
    this.kafka = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING });
  }

  static async open(place: KafkaServer, root: URL): Promise<KafkaStage> {
    const folder = await mkdtemp(join(tmpdir(), "opinionated-events-kafka-faults-"));
    const stage = new KafkaStage(place, root, folder);
    await stage.#freshTopics();
    return stage;
  }

  get book(): Book {
    return this.#book.read();
  }

  get workers(): readonly Child[] {
    return [...this.#workers];
  }

  /** All of them are in the log before a handler runs, so that each is there once. */
  async publish(count: number, mix: Partial<Record<Kind, number>> = {}): Promise<void> {
    const recorder = new Recorder(join(this.#folder, "publisher.published"));
    const write = (line: PublishedLine) => recorder.write(line);
    const producer = this.kafka.producer({ allowAutoTopicCreation: false });
    const destination = kafkaDestination({ producer });
    const { signal } = new AbortController();
    for (let n = 0; n < count; n += BATCH) {
      const made = Array.from({ length: Math.min(BATCH, count - n) }, (_, nth) => {
        return make(n + nth, kindOf(n + nth, mix));
      });
      const tx = `publisher-${n}`;
      write({ tx, messages: made.map(({ line }) => line) });
      const results = await destination.deliver(
        made.map(({ message }) => message),
        { signal },
      );
      if (results?.some(({ status }) => status === "failed")) throw new Error("Not published.");
      write({ tx, end: "committed", at: Date.now() });
    }
    await producer.disconnect();
  }

  /** Whatever it ends of, unless we have ended it, another one takes its place. */
  async worker({ brokers = this.place.server.brokers } = {}): Promise<Child> {
    const name = `worker${this.#count++}`;
    const record = join(this.#folder, `${name}.handled`);
    const worker = Child.start(this.#root, "kafka/worker", { ...WORKER, name, record, brokers });
    this.#workers.add(worker);
    void worker.ended.then((code) => this.#ended(worker, code));
    await worker.ready.catch((error) => {
      // A poisonous message may be the first that it is given.
      if (!(error instanceof EndedEarly)) throw error;
    });
    return worker;
  }

  /** Does it while messages are in flight, and remembers it. `hit`: workers whose messages may come again. */
  async inject(work: () => Promise<unknown>, hit: number): Promise<void> {
    const at = Date.now();
    const handled = this.#times();
    const open = await this.lag();
    const uncommitted = Math.max(0, this.book.handled.size - (await this.#committed()));
    await work();
    // What was handled between the counts and the fault counts, too.
    const since = this.#times() - handled;
    const inFlight = open === 0 ? 0 : uncommitted + since + hit * MAX_WORKERS;
    this.faults.push({ at, inFlight });
  }

  async handled(count: number): Promise<void> {
    await untilCounted("handled", count, () => this.book.handled.size);
  }

  /** Records of both groups that aren't committed. */
  async lag(): Promise<number> {
    const positions = [
      ...(await this.#positions(QUEUE, TOPIC)),
      ...(await this.#positions(`${QUEUE}-retry`, `retry-${TOPIC}`)),
    ];
    return positions.reduce((sum, { end, committed }) => sum + end - committed, 0);
  }

  async dead(): Promise<Map<string, string>> {
    const deadLetters = kafkaDeadLetters({ kafka: this.kafka, topics: [TOPIC] });
    const { letters } = await deadLetters.list({}, { limit: 1_000 });
    return new Map(letters.map(({ message, reason }) => [message.id, reason.code]));
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    await Promise.all(this.workers.map((worker) => worker.kill()));
    await rm(this.#folder, { recursive: true, force: true });
  }

  async stopWorkers(): Promise<void> {
    this.#isClosing = true;
    await Promise.all(this.workers.map((worker) => worker.stop()));
  }

  #ended(worker: Child, code: number | null): void {
    this.#workers.delete(worker);
    if (worker.isExpected || this.#isClosing) return;
    if (code === POISONED) this.faults.push({ at: Date.now(), inFlight: this.#beyondCommits() });
    else this.broken.push(`${worker.name} ended with ${code}`);
    void this.worker();
  }

  #times(): number {
    return [...this.book.handledBy.values()].reduce((sum, count) => sum + count, 0);
  }

  /** So many may have been handled since the last commit, and ran. */
  #beyondCommits(): number {
    return MAX_WORKERS * 20;
  }

  async #committed(): Promise<number> {
    const positions = await this.#positions(QUEUE, TOPIC);
    return positions.reduce((sum, { committed }) => sum + committed, 0);
  }

  async #positions(groupId: string, topic: string) {
    const admin = this.kafka.admin();
    await admin.connect();
    try {
      const ends = await admin.fetchTopicOffsets(topic);
      const [found] = await admin.fetchOffsets({ groupId, topics: [topic] });
      return ends.map(({ partition, high }) => {
        const one = found?.partitions.find((position) => position.partition === partition);
        return { end: Number(high), committed: Math.max(0, Number(one?.offset ?? 0)) };
      });
    } finally {
      await admin.disconnect();
    }
  }

  async #freshTopics(): Promise<void> {
    const admin = this.kafka.admin();
    await admin.connect();
    const there = await admin.listTopics();
    const old = TOPICS.filter((topic) => there.includes(topic));
    if (old.length > 0) await admin.deleteTopics({ topics: old });
    for (const groupId of [QUEUE, `${QUEUE}-retry`]) {
      await until("the group is gone", () =>
        admin.deleteGroups([groupId]).then(
          () => true,
          (error) =>
            /GROUP_ID_NOT_FOUND/.test(JSON.stringify(error)) ||
            /not exist/.test(String(error.groups?.[0]?.error?.message)),
        ),
      );
    }
    await until("the topics are there", () =>
      admin
        .createTopics({
          waitForLeaders: false,
          topics: TOPICS.map((topic) => ({ topic, numPartitions: PARTITIONS })),
        })
        .then(async () => (await admin.fetchTopicOffsets(TOPIC)).length === PARTITIONS)
        .catch(() => false),
    );
    await admin.disconnect();
  }
}

function kindOf(nth: number, mix: Partial<Record<Kind, number>>): Kind {
  const entries = Object.entries(mix) as [Kind, number][];
  return entries.find(([, every]) => nth % every === every >> 1)?.[0] ?? "plain";
}

function make(n: number, kind: Kind) {
  const key = `key ${n % KEYS}`;
  const number = kind === "refused" ? "not a number" : n;
  const message = createMessage(RUN, { n: number, kind }, { key });
  return { message, line: [message.id, key, n, kind] as const };
}
