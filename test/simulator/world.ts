import type pg from "pg";
import { Database } from "../../src/postgres/database.js";
import type { Oracle } from "./oracle.js";
import { PublishedLog } from "./published.js";
import type { Random } from "./random.js";

/** Errors that a client of the database must expect: serialization failures and deadlocks. */
const EXPECTED_ERRORS = ["40001", "40P01"];

/** Leases are this short, in ms, so that many of them are lost. */
export const LEASE_MS = 400;

/** What all actors share. */
export class World {
  readonly db: Database;
  readonly published = new PublishedLog();
  readonly oracles: Oracle[] = [];
  /** How often something happened that a run should have in it. */
  readonly counts: Record<string, number> = {};
  /** Until it is done, consumers go on. */
  phase: "publishing" | "draining" | "done" = "publishing";
  /** What publishers write to; more come later. */
  topics: [string, ...string[]] = ["b", "c"];
  readonly #background = new Set<Promise<void>>();

  constructor(
    readonly pool: pg.Pool,
    readonly random: Random,
    readonly canPrepare: boolean,
  ) {
    this.db = new Database(pool);
  }

  count(what: string, by = 1): void {
    this.counts[what] = (this.counts[what] ?? 0) + by;
  }

  /** Runs something beside everything else; `settled` waits for it. */
  start(work: Promise<void>): void {
    this.#background.add(work);
    work.finally(() => this.#background.delete(work)).catch(() => {});
  }

  async settled(): Promise<void> {
    while (this.#background.size > 0) await Promise.all(this.#background);
  }

  /** Undefined if it failed in a way that has to be expected; what it was is counted. */
  async attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      this.expected(error);
      return undefined;
    }
  }

  expected(error: unknown): void {
    const { code } = error as { code?: unknown };
    if (!EXPECTED_ERRORS.includes(String(code))) throw error;
    this.count(`error ${code}`);
  }
}
