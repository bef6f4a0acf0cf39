import pg from "pg";
import { perSecond } from "../figures.js";
import { type Opened, sample } from "../products/product.js";
import type { Place } from "./scenario.js";

const INSERT = { name: "business", text: "insert into business (n, note) values ($1, $2)" };

export interface Transactions {
  /** Including those before the clock started: messages 0 to published - 1. */
  readonly published: number;
  /** Transactions/s. */
  readonly rate: number;
}

/**
 * Business transactions, each a row of the user's and one message, over so many connections of node-postgres. A twentieth
 * more are run before the clock starts.
 */
export async function transactions(
  { url, pool }: Place,
  product: Opened,
  { count, connections }: { count: number; connections: number },
): Promise<Transactions> {
  await pool.query("create table business (id bigserial primary key, n int not null, note text)");
  const clients = Array.from(
    { length: connections },
    () => new pg.Client({ connectionString: url }),
  );
  await Promise.all(clients.map((client) => client.connect()));
  let next = 0;
  const until = async (end: number) => {
    const work = async (client: pg.Client) => {
      while (next < end) await transact(client, product, next++);
    };
    await Promise.all(clients.map(work));
  };
  try {
    const before = Math.ceil(count / 20);
    await until(before);
    const startedAt = performance.now();
    await until(before + count);
    const rate = perSecond(count, performance.now() - startedAt);
    await assertCommitted(pool, before + count);
    return { published: before + count, rate };
  } finally {
    await Promise.all(clients.map((client) => client.end()));
  }
}

async function transact(client: pg.Client, product: Opened, n: number): Promise<void> {
  await client.query("begin");
  await client.query({ ...INSERT, values: [n, "as usual"] });
  await product.publishIn(client, sample(n));
  await client.query("commit");
}

async function assertCommitted(pool: pg.Pool, count: number): Promise<void> {
  const { rows } = await pool.query("select count(*) as count from business");
  if (Number(rows[0].count) !== count) throw new Error("Not every transaction was committed.");
}
