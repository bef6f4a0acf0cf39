import type pg from "pg";
import { createMessage } from "../../src/message/create-message.js";
import { KEYS } from "./business.js";
import type { Published } from "./published.js";
import { type Random, sleep } from "./random.js";
import { store, storeLate } from "./store.js";
import type { World } from "./world.js";

const ISOLATION_LEVELS = [
  "read committed",
  "read committed",
  "repeatable read",
  "serializable",
] as const;
/** More than a snapshot lists of one transaction. */
const MANY_SAVEPOINTS = 80;

/** Publishes in one random transaction after the other, each open for at least `openMs`. */
export async function publishAll(world: World, openMs: number): Promise<void> {
  const random = world.random.fork();
  const client = await world.pool.connect();
  try {
    while (world.phase === "publishing") await new Transaction(world, client, random).run(openMs);
  } finally {
    client.release();
  }
}

class Transaction {
  readonly #world: World;
  readonly #client: pg.PoolClient;
  readonly #random: Random;
  readonly #mine: Published[] = [];

  constructor(world: World, client: pg.PoolClient, random: Random) {
    this.#world = world;
    this.#client = client;
    this.#random = random;
  }

  async run(openMs: number): Promise<void> {
    try {
      await this.#write(openMs);
      await this.#end();
    } catch (error) {
      await this.#rollback();
      this.#world.expected(error);
    }
  }

  async #write(openMs: number): Promise<void> {
    const random = this.#random;
    await this.#query(`begin isolation level ${random.pick(ISOLATION_LEVELS)}`);
    if (random.chance(0.4)) await this.#query("insert into noise values (1)");
    else if (random.chance(0.5)) await this.#query("select 1");
    await this.#pause(0.2, 15);
    // A long one would only make the others wait for its lock.
    if (openMs === 0 && random.chance(0.5)) await this.#publishInOrder();
    await this.#publishSome();
    if (random.chance(0.25)) await this.#useSavepoints();
    await this.#pause(0.2, 20);
    await sleep(openMs);
    if (random.chance(0.4)) await this.#publishSome();
  }

  /** The lock on the entity's row lets only one transaction at a time publish with its key. */
  async #publishInOrder(): Promise<void> {
    const key = `k${1 + this.#random.below(KEYS)}`;
    const { rows } = await this.#client.query(
      "update entity set version = version + 1 where key = $1 returning version",
      [key],
    );
    const count = 1 + this.#random.below(3);
    for (let n = 0; n < count; n += 1) {
      const message = createMessage("a.one", {}, { key });
      this.#mine.push(this.#world.published.add(message, rows[0].version * 10 + n));
      await store(this.#client, message, this.#random);
    }
  }

  async #publishSome(): Promise<void> {
    for (let n = this.#random.below(4); n > 0; n -= 1) await this.#publish();
  }

  async #publish(): Promise<void> {
    const random = this.#random;
    const name = `${random.pick(this.#world.topics)}.${random.pick(["one", "two"])}`;
    const delay = random.chance(0.03) ? { delayMs: random.below(300) } : {};
    const message = createMessage(name, {}, delay);
    this.#mine.push(this.#world.published.add(message));
    const canWait = delay.delayMs === undefined && random.chance(0.2);
    await (canWait ? storeLate : store)(this.#client, message, random);
  }

  async #useSavepoints(): Promise<void> {
    const isMany = this.#random.chance(0.1);
    const count = isMany ? MANY_SAVEPOINTS : 1 + this.#random.below(4);
    for (let n = 0; n < count; n += 1) await this.#useSavepoint();
    this.#world.count(isMany ? "many savepoints" : "savepoints");
  }

  async #useSavepoint(): Promise<void> {
    await this.#query("savepoint s");
    const before = this.#mine.length;
    if (this.#random.chance(0.5)) await this.#publish();
    else await this.#query("insert into noise values (2)");
    if (this.#random.chance(0.4)) {
      await this.#query("rollback to savepoint s");
      for (const published of this.#mine.splice(before)) published.fate = "rolled back";
    }
    if (this.#random.chance(0.5)) await this.#query("release savepoint s");
  }

  async #end(): Promise<void> {
    if (this.#random.chance(0.2)) return this.#rollback();
    if (this.#world.canPrepare && this.#random.chance(0.2)) return this.#endInTwoPhases();
    await this.#commit("commit");
  }

  async #endInTwoPhases(): Promise<void> {
    const name = `'simulated ${this.#random.below(2 ** 32)}'`;
    await this.#query(`prepare transaction ${name}`);
    this.#world.count("prepared transactions");
    await this.#pause(0.5, 60);
    if (this.#random.chance(0.7)) return this.#commit(`commit prepared ${name}`);
    await this.#query(`rollback prepared ${name}`);
    this.#forget();
  }

  async #commit(statement: string): Promise<void> {
    const commitStart = performance.now();
    for (const published of this.#mine) published.commitStart = commitStart;
    await this.#query(statement);
    const commitEnd = performance.now();
    for (const published of this.#mine) Object.assign(published, { fate: "committed", commitEnd });
    this.#world.count("commits");
  }

  async #rollback(): Promise<void> {
    await this.#query("rollback");
    this.#forget();
  }

  #forget(): void {
    for (const published of this.#mine) published.fate = "rolled back";
    this.#world.count("rollbacks");
  }

  async #pause(probability: number, maxMs: number): Promise<void> {
    if (this.#random.chance(probability)) await sleep(this.#random.below(maxMs));
  }

  async #query(text: string): Promise<void> {
    await this.#client.query(text);
  }
}
