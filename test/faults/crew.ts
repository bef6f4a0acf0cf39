import { join } from "node:path";
import {
  Child,
  type ChildOptions,
  EndedEarly,
  type PublisherOptions,
  type WorkerOptions,
} from "./children.js";
import { POISONED, RUN } from "./messages.js";

export interface CrewOptions {
  /** Where the scripts are. */
  readonly root: URL;
  readonly url: string;
  /** Where they record. */
  readonly folder: string;
  /** A poisonous message has ended a worker. */
  readonly onPoisoned: () => void;
}

const WORKER = {
  names: [RUN],
  handleMs: 50,
  maxWorkers: 50,
  leaseMs: 30_000,
  intervalMs: 1_000,
  poolMax: 10,
};
const PUBLISHER = { event: RUN, perSecond: 1_500, size: 10, bulk: 0, mix: {} };

type OwnOptions<Options extends ChildOptions> = Omit<Options, keyof ChildOptions>;

/** The processes of a case. Whatever a worker ends of, another one takes its place. */
export class Crew {
  readonly workers = new Set<Child>();
  /** What ended that nobody has ended. */
  readonly broken: string[] = [];
  readonly #options: CrewOptions;
  readonly #publishers = new Set<Child>();
  readonly #all = new Set<Child>();
  #count = 0;
  #isClosing = false;

  constructor(options: CrewOptions) {
    this.#options = options;
  }

  async worker(options: Partial<WorkerOptions> = {}): Promise<Child> {
    const worker = await this.#start("worker", "handled", { ...WORKER, ...options });
    this.workers.add(worker);
    void worker.ended.then((code) => this.#workerEnded(worker, code, options));
    return worker;
  }

  startWorkers(count: number, options?: Partial<WorkerOptions>): Promise<Child[]> {
    return Promise.all(Array.from({ length: count }, () => this.worker(options)));
  }

  /** A worker is stopped, and nobody takes its place. */
  async retire(worker: Child): Promise<void> {
    this.workers.delete(worker);
    this.#expect(worker, await worker.stop());
  }

  async publisher(options: Partial<PublisherOptions> = {}): Promise<Child> {
    const publisher = await this.#start("publisher", "published", { ...PUBLISHER, ...options });
    this.#publishers.add(publisher);
    return publisher;
  }

  /** A publisher with so many messages in one transaction, which commits when it is stopped. */
  bulk(count: number, options: Partial<PublisherOptions> = {}): Promise<Child> {
    return this.publisher({ bulk: count, ...options });
  }

  /** So many messages in one transaction, which has ended. */
  async publishAtOnce(count: number, options?: Partial<PublisherOptions>): Promise<void> {
    await this.stopPublisher(await this.bulk(count, options));
  }

  async stopPublisher(publisher: Child): Promise<void> {
    this.#expect(publisher, await publisher.stop());
  }

  async stopPublishers(): Promise<void> {
    const running = [...this.#publishers].filter((publisher) => publisher.isRunning);
    await Promise.all(running.map((publisher) => this.stopPublisher(publisher)));
  }

  /** Migrates in a process of its own. */
  async migrate(): Promise<void> {
    const { root, url } = this.#options;
    const migrator = Child.start(root, "migrator", { name: "migrator", url });
    this.#expect(migrator, await migrator.ended);
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    await Promise.all([...this.#all].map((child) => child.isRunning && child.kill()));
  }

  async #start(
    script: "worker" | "publisher",
    record: string,
    options: OwnOptions<WorkerOptions> | OwnOptions<PublisherOptions>,
  ): Promise<Child> {
    const { root, url, folder } = this.#options;
    const name = `${script}${this.#count++}`;
    const file = join(folder, `${name}.${record}`);
    const child = Child.start(root, script, { url, name, record: file, ...options });
    this.#all.add(child);
    await child.ready;
    return child;
  }

  #expect({ name }: Child, code: number | null): void {
    if (code !== 0) this.broken.push(`${name} ended with ${code}`);
  }

  #workerEnded(worker: Child, code: number | null, options: Partial<WorkerOptions>): void {
    if (this.#isClosing || !this.workers.delete(worker)) return;
    if (code === POISONED) this.#options.onPoisoned();
    else if (!worker.isExpected) this.broken.push(`${worker.name} ended by itself with ${code}`);
    void this.#replace(options);
  }

  /** The one that takes its place may end of the same before it is ready. */
  async #replace(options: Partial<WorkerOptions>): Promise<void> {
    try {
      await this.worker(options);
    } catch (error) {
      if (this.#isClosing) return;
      if (!(error instanceof EndedEarly && error.code === POISONED)) {
        this.broken.push(String(error));
        return;
      }
      this.#options.onPoisoned();
      await this.#replace(options);
    }
  }
}
