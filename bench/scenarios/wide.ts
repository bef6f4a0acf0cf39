import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { createMessage, Publisher, syncBridge } from "../../src/index.js";
import { migrate, postgresDestination } from "../../src/postgres.js";
import { perSecond } from "../figures.js";
import { Arrivals } from "../harness/arrivals.js";
import type { Claim, Contender, Figures, MakeScenario, Place } from "../harness/scenario.js";
import { TimedPool } from "../harness/timed-pool.js";
import { ourReceiver } from "../products/our-receiver.js";
import { type Payload, sample } from "../products/product.js";

const BATCH = 1_000;
/** From the last message until the receiver is taken to be idle, and how long it is watched then. */
const SETTLE_MS = 3_000;
const IDLE_MS = 2_000;

/** What is published, and which of it a queue wants. */
interface Load {
  readonly name: string;
  readonly pattern: string;
  /** Published and handled beforehand, so that what a start costs is not counted: connections, plans, code that has not run. */
  readonly earlier: readonly string[];
  /** The name of the n-th message. */
  readonly nameOf: (n: number) => string;
  /** One of so many is wanted. */
  readonly oneOf: number;
  /** Of all that are published elsewhere, so many in a hundred are here. */
  readonly percent: number;
}

const one = (name: string, count: number): readonly string[] =>
  Array.from({ length: count }, () => name);
const WARM_UP = 3_000;

const ALL: Load = {
  name: "ours, a whole topic",
  pattern: "user.created",
  earlier: one("user.created", WARM_UP),
  nameOf: () => "user.created",
  oneOf: 1,
  percent: 100,
};
const FEW: Load = {
  name: "ours, 1 % of a topic",
  pattern: "user.created",
  earlier: one("user.created", WARM_UP),
  nameOf: (n) => (n % 100 === 0 ? "user.created" : "user.seen"),
  oneOf: 100,
  percent: 300,
};
const spread = (topics: number): Load => ({
  name: `ours, * over ${topics.toLocaleString("en")} topics`,
  pattern: "*",
  earlier: Array.from({ length: WARM_UP }, (_, n) => `topic${n % topics}.changed`),
  nameOf: (n) => `topic${n % topics}.changed`,
  oneOf: 1,
  percent: 100,
});
const ONE_BUSY: Load = {
  name: "ours, * with 1 busy topic, 999 idle",
  pattern: "*",
  earlier: Array.from({ length: 999 }, (_, n) => `topic${n}.changed`),
  nameOf: () => "user.created",
  oneOf: 1,
  percent: 100,
};
const TEN = spread(10);
const THOUSAND = spread(1_000);

/**
 * A rate counts messages that are wanted, from the first to the last. `idle`: what all statements take of a second when
 * everything is handled, in ms.
 */
export const wideScenario: MakeScenario = ({ full }) => ({
  id: "O",
  title: "1 % of a topic; * over 1,000 topics",
  figure: "rate",
  unit: "wanted messages/s",
  lessIsBetter: ["idle"],
  contenders: [ALL, FEW, TEN, THOUSAND, ONE_BUSY].map((load) =>
    contender(load, ((full ? 500_000 : 100_000) * load.percent) / 100),
  ),
  claims: [
    ...[FEW, THOUSAND, ONE_BUSY].map(
      (load): Claim => ({
        level: "must",
        text: `${load.name.replace("ours, ", "")}: a message <= 3 x that of a whole topic`,
        holds: (m) => m.of(load.name, "rate") >= m.of(ALL.name, "rate") / 3,
      }),
    ),
    {
      level: "must",
      text: "idle with 1,000 topics <= 1.5 x with 10",
      holds: (m) => m.of(THOUSAND.name, "idle") <= 1.5 * m.of(TEN.name, "idle"),
    },
  ],
});

function contender(load: Load, count: number): Contender {
  return {
    name: load.name,
    role: load === ALL ? "floor" : "ours",
    async run(place) {
      await migrate(place.pool);
      await place.pool.query("select opinionated_events.subscribe($1, $2)", [
        "bench",
        load.pattern,
      ]);
      const pool = new pg.Pool({ connectionString: place.url, idleTimeoutMillis: 0 });
      pool.on("error", () => {});
      const timed = new TimedPool(pool);
      await pass(place, timed, load);
      await publish(place, count, load.nameOf);
      await place.pool.query("vacuum analyze opinionated_events.message");
      const figures = await measure(place, timed, load, count / load.oneOf);
      await pool.end();
      return figures;
    },
  };
}

async function pass(place: Place, { pool }: TimedPool, { pattern, earlier }: Load): Promise<void> {
  await publish(place, earlier.length, (n) => earlier[n] as string);
  const arrivals = new Arrivals(earlier.length);
  const receiver = ourReceiver({ url: place.url, pool });
  receiver.on("bench", pattern, ({ payload }) => arrivals.saw((payload as Payload).n));
  await receiver.start();
  await arrivals.all;
  await receiver.stop();
}

async function publish({ pool }: Place, count: number, nameOf: Load["nameOf"]): Promise<void> {
  const publisher = new Publisher({ bridge: syncBridge([postgresDestination({ pool })]) });
  for (let from = 0; from < count; from += BATCH) {
    const batch = Array.from({ length: Math.min(BATCH, count - from) }, (_, n) =>
      createMessage(nameOf(from + n), sample(from + n).payload),
    );
    await publisher.publishMany(batch);
  }
}

async function measure(
  place: Place,
  timed: TimedPool,
  { pattern, oneOf }: Load,
  wanted: number,
): Promise<Figures> {
  const arrivals = new Arrivals(wanted);
  const receiver = ourReceiver({ url: place.url, pool: timed.pool });
  receiver.on("bench", pattern, ({ payload }) => arrivals.saw((payload as Payload).n / oneOf));
  await receiver.start();
  await arrivals.all;
  const ms = arrivals.lastAt - arrivals.firstAt;
  await sleep(SETTLE_MS);
  const before = timed.busyMs;
  await sleep(IDLE_MS);
  const idle = (timed.busyMs - before) / (IDLE_MS / 1_000);
  await receiver.stop();
  arrivals.assertOnce(await left(place));
  return { rate: perSecond(wanted, ms), idle };
}

async function left({ pool }: Place): Promise<number> {
  const { rows } = await pool.query(
    "select coalesce(sum(lag + leased_batches + waiting), 0) as left from opinionated_events.queue_state",
  );
  return Number(rows[0].left);
}
