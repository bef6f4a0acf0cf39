import type pg from "pg";
import { aim, must } from "../harness/claims.js";
import { drain } from "../harness/drain.js";
import { fill } from "../harness/fill.js";
import type { Contender, MakeScenario } from "../harness/scenario.js";
import { bareTable } from "../products/bare-table.js";
import { deleteOnRead } from "../products/delete-on-read.js";
import { graphileWorker } from "../products/graphile-worker.js";
import { leasedRows } from "../products/leased-rows.js";
import { ours } from "../products/ours.js";
import { pgBoss } from "../products/pg-boss.js";
import { plainTable } from "../products/plain-table.js";
import type { BulkProduct, Product } from "../products/product.js";

export const walScenario: MakeScenario = ({ full }) => {
  const count = full ? 100_000 : 20_000;
  return {
    id: "I",
    title: "WAL a message of 150 B, published and drained",
    figure: "both",
    unit: "B",
    lessIsBetter: ["publish", "drain", "both"],
    contenders: [
      ...[ours, leasedRows(1), deleteOnRead(1)].map((product) => logging(product, 100_000)),
      ...[plainTable, bareTable].map((writer) => loggingPublish(writer, 100_000)),
      ...[graphileWorker, pgBoss].map((product) => logging(product, count)),
    ],
    claims: [
      must("<= 600 B to publish", (m) => m.ours("publish") <= 600),
      must("<= 30 B to drain", (m) => m.ours("drain") <= 30),
      aim("<= 520 B to publish", (m) => m.ours("publish") <= 520),
      aim("<= 15 B to drain", (m) => m.ours("drain") <= 15),
    ],
  };
};

function logging(product: Product, count: number): Contender {
  return {
    name: product.name,
    role: product.role,
    async run({ url, pool }) {
      const opened = await product.open({ url, pool });
      const publish = await logged(pool, () => fill(opened, count));
      await opened.analyze();
      const drained = await logged(pool, () => drain(opened, count));
      await opened.close();
      const perMessage = { publish: publish / count, drain: drained / count };
      return { ...perMessage, both: perMessage.publish + perMessage.drain, messages: count };
    },
  };
}

/** What only writes, and so is no floor of the whole. */
function loggingPublish(writer: BulkProduct, count: number): Contender {
  return {
    name: `${writer.name}, only published`,
    role: "bare",
    async run({ url, pool }) {
      const opened = await writer.open({ url, pool });
      const publish = await logged(pool, () => fill(opened, count));
      await opened.close();
      return { publish: publish / count, messages: count };
    },
  };
}

/** The bytes of WAL that the server wrote meanwhile. */
async function logged(pool: pg.Pool, work: () => Promise<unknown>): Promise<number> {
  const before = await pool.query("select pg_current_wal_lsn() as lsn");
  await work();
  const after = await pool.query("select pg_current_wal_lsn() - $1::pg_lsn as bytes", [
    before.rows[0].lsn,
  ]);
  return Number(after.rows[0].bytes);
}
