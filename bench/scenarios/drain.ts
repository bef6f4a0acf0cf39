import { aim, must } from "../harness/claims.js";
import { draining } from "../harness/draining.js";
import type { Contender, MakeScenario } from "../harness/scenario.js";
import { deleteOnRead } from "../products/delete-on-read.js";
import { graphileWorker, graphileWorkerDefaults } from "../products/graphile-worker.js";
import { leasedRows } from "../products/leased-rows.js";
import { ours } from "../products/ours.js";
import { pgBoss, pgBossDefaults } from "../products/pg-boss.js";
import type { Product } from "../products/product.js";

const COUNT = 100_000;

const UNSAFE = [deleteOnRead(1), deleteOnRead(2)];

export const drainScenario: MakeScenario = ({ full }) => ({
  id: "C",
  title: "drain 100,000 no-op messages, one process",
  figure: "rate",
  unit: "messages/s",
  contenders: [
    ...[ours, leasedRows(1), leasedRows(2), ...UNSAFE].map((product) => rated(product, COUNT)),
    ...[graphileWorker, pgBoss].map((product) => rated(product, full ? COUNT : 50_000)),
    rated(graphileWorkerDefaults, full ? 10_000 : 1_000),
    rated(pgBossDefaults, full ? 10 : 4),
  ],
  claims: [
    must(">= 1.3 x leased rows", (m) => m.ours("rate") >= 1.3 * m.floor("rate")),
    must(
      ">= 3 x graphile-worker's best",
      (m) => m.ours("rate") >= 3 * m.of(graphileWorker.name, "rate"),
    ),
    aim("delete on read", (m) => UNSAFE.every(({ name }) => m.ours("rate") >= m.of(name, "rate"))),
  ],
});

/** A rate from fewer messages where so many would take minutes: the figures say how many. */
function rated(product: Product, count: number): Contender {
  return draining(product, count, ({ firstAt, tenths }) => ({
    rate: (count / (tenths.at(-1) as number)) * 1_000,
    "first after ms": firstAt,
  }));
}
