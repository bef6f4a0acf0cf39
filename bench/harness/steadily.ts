import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { type Opened, sample } from "../products/product.js";

/** When the transaction of each message began, and when its commit had resolved, by `performance.now()`. */
export interface Published {
  readonly begun: Float64Array;
  readonly committed: Float64Array;
}

/**
 * Publishes messages 0 to count - 1, each in a transaction of its own on one of the clients, when it is due; where none
 * is free, when one comes free.
 */
export async function publishSteadily(
  product: Opened,
  clients: readonly pg.ClientBase[],
  { count, perSecond }: { readonly count: number; readonly perSecond: number },
): Promise<Published> {
  const begun = new Float64Array(count);
  const committed = new Float64Array(count);
  const startedAt = performance.now();
  let next = 0;
  const work = async (client: pg.ClientBase) => {
    for (let n = next++; n < count; n = next++) {
      const dueAt = startedAt + (n * 1_000) / perSecond;
      while (performance.now() < dueAt) await sleep(dueAt - performance.now());
      begun[n] = performance.now();
      await client.query("begin");
      await product.publishIn(client, sample(n));
      await client.query("commit");
      committed[n] = performance.now();
      await product.afterCommit?.(client);
    }
  };
  await Promise.all(clients.map(work));
  return { begun, committed };
}
