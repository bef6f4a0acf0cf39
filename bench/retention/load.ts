import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { createMessage, Publisher, syncBridge, transaction, withTx } from "../../src/index.js";
import { postgresDestination } from "../../src/postgres.js";

export interface Load {
  readonly pool: pg.Pool;
  readonly ratePerSecond: number;
  /** Messages of one transaction. */
  readonly batch: number;
}

/** Publishes at a steady rate in transactions of a business row and its messages. The milliseconds of each count from when it was due. */
export class LoadGenerator {
  readonly latencies: number[] = [];
  published = 0;
  readonly #load: Load;
  readonly #publisher: Publisher;
  readonly #running = new Set<Promise<void>>();

  constructor(load: Load) {
    this.#load = load;
    const destination = postgresDestination({ pool: load.pool });
    this.#publisher = new Publisher({ bridge: syncBridge([destination]) });
  }

  async run(seconds: number): Promise<void> {
    const { ratePerSecond, batch } = this.#load;
    const everyMs = (1_000 * batch) / ratePerSecond;
    const startedAt = performance.now();
    for (let k = 0; k < (seconds * 1_000) / everyMs; k += 1) {
      const dueAt = startedAt + k * everyMs;
      const early = dueAt - performance.now();
      if (early > 0) await sleep(early);
      const publishing = this.#publish(dueAt).finally(() => this.#running.delete(publishing));
      this.#running.add(publishing);
    }
    await Promise.all(this.#running);
  }

  /** The latencies since the last call. */
  takeLatencies(): number[] {
    return this.latencies.splice(0);
  }

  async #publish(dueAt: number): Promise<void> {
    const { pool, batch } = this.#load;
    const from = this.published;
    this.published += batch;
    const messages = Array.from({ length: batch }, (_, i) =>
      createMessage("order.placed", { n: from + i, note: "as usual" }, { key: `k${from % 997}` }),
    );
    await transaction(pool, async (tx) => {
      await tx.query("insert into business (n) values ($1)", [from]);
      await this.#publisher.publishMany(messages, withTx(tx));
    });
    this.latencies.push(performance.now() - dueAt);
  }
}
