import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type pg from "pg";
import { type FaultyProxy, startProxy } from "../support/proxy.js";
import { Book } from "./book.js";
import { Crew } from "./crew.js";
import { createDatabase, type Database, type Server } from "./database.js";
import { Faults } from "./faults.js";
import {
  committedIds,
  countBusy,
  countInFlight,
  countOpen,
  deadIds,
  leaseTokens,
  rememberIds,
} from "./state.js";
import { type End, hasEnded } from "./tally.js";
import { until, untilCounted } from "./until.js";

const POLL_MS = 50;
/** A look that took longer than this did not look all the time. */
const MAX_POLL_MS = 500;

export interface StageOptions {
  readonly server: Server;
  /** Where the scripts of the processes are. */
  readonly root: URL;
  /** How many messages are to be published at least. */
  readonly messages: number;
  readonly isLong: boolean;
  /** Changes a migrated database. */
  readonly prepare: (pool: pg.Pool) => Promise<void>;
}

/** Where a case plays: a database, processes, faults, and the book of what the processes record. */
export class Stage {
  readonly server: Server;
  readonly root: URL;
  readonly messages: number;
  readonly isLong: boolean;
  readonly prepare: (pool: pg.Pool) => Promise<void>;
  readonly url: string;
  /** None of the processes'. */
  readonly pool: pg.Pool;
  readonly crew: Crew;
  readonly faults: Faults;
  /** How many messages may be handled again, where that is not what was in flight at the faults. */
  repeats: number | undefined;
  readonly #database: Database;
  readonly #folder: string;
  readonly #book: Book;
  readonly #proxies: FaultyProxy[] = [];
  #isRemembered = false;

  private constructor(options: StageOptions, database: Database, folder: string) {
    const { server, root, messages, isLong, prepare } = options;
    this.server = server;
    this.root = root;
    this.messages = messages;
    this.isLong = isLong;
    this.prepare = prepare;
    this.url = database.url;
    this.pool = database.pool;
    this.#database = database;
    this.#folder = folder;
    this.#book = new Book(folder);
    this.faults = new Faults(this.pool);
    const onPoisoned = () => void this.faults.happened();
    this.crew = new Crew({ root, url: this.url, folder, onPoisoned });
  }

  static async open(options: StageOptions): Promise<Stage> {
    const database = await createDatabase(options.server);
    const folder = await mkdtemp(join(tmpdir(), "opinionated-events-faults-"));
    return new Stage(options, database, folder);
  }

  /** As recorded up to now. */
  get book(): Book {
    return this.#book.read();
  }

  /** What is in flight, once every worker holds some of it. */
  readonly allBusy = async (): Promise<number> =>
    (await countBusy(this.pool)) < this.crew.workers.size ? 0 : countInFlight(this.pool);

  /** A way to the database that can fail, until the stage is closed. */
  async proxy(): Promise<{ readonly proxy: FaultyProxy; readonly url: string }> {
    const url = new URL(this.url);
    const proxy = await startProxy({ host: url.hostname, port: Number(url.port) });
    this.#proxies.push(proxy);
    return { proxy, url: Object.assign(url, { port: String(proxy.port) }).href };
  }

  /** From now on, for what is to be forgotten. */
  async rememberIds(): Promise<void> {
    await rememberIds(this.pool);
    this.#isRemembered = true;
  }

  /** Resolves when so many more messages have been handled. */
  async handledMore(count: number): Promise<void> {
    await this.handled(this.book.handled.size + count);
  }

  async handled(count: number): Promise<void> {
    await untilCounted("handled", count, () => this.book.handled.size);
  }

  /** Resolves when nothing is under lease any more that is now. */
  async leasesEnded(): Promise<void> {
    const now = await leaseTokens(this.pool);
    await until("the leases have ended", async () => {
      const left = await leaseTokens(this.pool);
      return !now.some((token) => left.includes(token));
    });
  }

  /** Resolves when all that was committed up to now has been handled. */
  async handledAll(): Promise<void> {
    const { transactions, published } = this.book;
    const ids = [...published].filter(([, { tx }]) => transactions.get(tx)?.how === "committed");
    await until("all is handled", () => {
      const { handled } = this.book;
      return ids.every(([id]) => handled.has(id));
    });
  }

  async published(count: number): Promise<void> {
    await untilCounted("published", count, () => this.book.published.size);
  }

  /** Lets the publishers go on until they have published enough, and stops them. */
  async endPublishing(): Promise<void> {
    await this.published(this.messages);
    await this.crew.stopPublishers();
  }

  /**
   * Resolves when all that was committed has come to its end, or when nothing has happened for so long. Only time in which
   * it looked counts: when the machine stands still, so do the workers.
   */
  async settle(patienceMs: number): Promise<End> {
    const committed = await committedIds(this.pool, this.#isRemembered);
    let pending = committed;
    let left = Number.POSITIVE_INFINITY;
    let quietMs = 0;
    for (;;) {
      const lookedAt = performance.now();
      const [dead, open] = await Promise.all([deadIds(this.pool), countOpen(this.pool)]);
      const { book } = this;
      pending = pending.filter((id) => !hasEnded(book, dead, id));
      if (pending.length + open < left) quietMs = 0;
      left = pending.length + open;
      if (left === 0 || quietMs > patienceMs) return { committed, dead, open };
      await setTimeout(POLL_MS);
      quietMs += Math.min(performance.now() - lookedAt, MAX_POLL_MS);
    }
  }

  async close(): Promise<void> {
    await this.crew.close();
    await Promise.all(this.#proxies.map((proxy) => proxy.close()));
    await this.#database.drop();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
