import { setTimeout as sleep } from "node:timers/promises";
import { perSecond } from "../figures.js";
import { Arrivals } from "../harness/arrivals.js";
import { Child } from "../harness/child.js";
import { fill } from "../harness/fill.js";
import { napInLoops, naps } from "../harness/naps.js";
import type { Contender, MakeScenario, Place } from "../harness/scenario.js";
import { ours } from "../products/ours.js";
import type { Payload } from "../products/product.js";

const PROCESSES = [1, 2, 4];
const SLOW_MS = 5;
const AT_ONCE = 50;
const IDEAL = (AT_ONCE * 1_000) / SLOW_MS;
const SLOW = `ours, ${SLOW_MS} ms handlers, ${AT_ONCE} at once`;
const POLL_MS = 20;

/** A rate counts from the first message handled to the last: processes take their time to start, and some more to get warm. */
export const workersScenario: MakeScenario = ({ full }) => {
  const count = full ? 1_000_000 : 400_000;
  return {
    id: "J",
    title: "1, 2, 4 worker processes; slow handlers",
    figure: "rate",
    unit: "messages/s",
    contenders: [
      ...PROCESSES.map((processes) => draining(processes, count)),
      slowHandlers(full ? 200_000 : 20_000),
      handlersAlone(full ? 200_000 : 20_000),
    ],
    claims: [
      {
        level: "must",
        text: "4 processes >= 75 % of 1",
        holds: (m) => m.of(nameOf(4), "rate") >= 0.75 * m.of(nameOf(1), "rate"),
      },
      {
        level: "must",
        text: `slow handlers >= 95 % of ${IDEAL.toLocaleString("en")}/s`,
        holds: (m) => m.of(SLOW, "rate") >= 0.95 * IDEAL,
      },
    ],
  };
};

function nameOf(processes: number): string {
  return `ours, ${processes} ${processes === 1 ? "process" : "processes"}`;
}

interface Report {
  readonly handled: readonly number[];
  readonly firstAt: number;
  readonly lastAt: number;
}

function draining(processes: number, count: number): Contender {
  return {
    name: nameOf(processes),
    role: "ours",
    async run(place) {
      const opened = await ours.open(place);
      await fill(opened, count);
      await opened.analyze();
      const reports = await drainIn(processes, place, count);
      const arrivals = new Arrivals(count);
      for (const { handled } of reports) for (const n of handled) arrivals.saw(n);
      arrivals.assertOnce(await opened.left());
      const busy = reports.filter(({ handled }) => handled.length > 0);
      const firstAt = Math.min(...busy.map((report) => report.firstAt));
      const lastAt = Math.max(...busy.map((report) => report.lastAt));
      return { rate: perSecond(count, lastAt - firstAt) };
    },
  };
}

async function drainIn(
  processes: number,
  { url }: Place,
  count: number,
): Promise<readonly Report[]> {
  const children = Array.from(
    { length: processes },
    () => new Child("drainer", [url, String(count)]),
  );
  try {
    await Promise.all(children.map((child) => child.ask("ready")));
    await Promise.all(children.map((child) => child.ask("start")));
    for (let handled = 0; handled < count; ) {
      await sleep(POLL_MS);
      const each = await Promise.all(children.map((child) => child.ask<number>("handled")));
      handled = each.reduce((sum, n) => sum + n, 0);
    }
    return await Promise.all(children.map((child) => child.ask<Report>("stop")));
  } finally {
    await Promise.all(children.map((child) => child.end()));
  }
}

function slowHandlers(count: number): Contender {
  return {
    name: SLOW,
    role: "ours",
    async run(place) {
      const nap = await naps(SLOW_MS, AT_ONCE);
      const opened = await ours.open(place);
      await fill(opened, count);
      await opened.analyze();
      const arrivals = new Arrivals(count);
      let startedAt = 0;
      const handle = async ({ n }: Payload) => {
        startedAt ||= performance.now();
        await nap();
        arrivals.saw(n);
      };
      const consumer = await opened.consume(handle, { concurrency: AT_ONCE });
      await arrivals.all;
      const ms = performance.now() - startedAt;
      await consumer.stop();
      arrivals.assertOnce(await opened.left());
      return { rate: perSecond(count, ms) };
    },
  };
}

/** What the timers of the handlers let through. */
function handlersAlone(count: number): Contender {
  return {
    name: `${AT_ONCE} loops of the handler, without a queue`,
    role: "floor",
    async run() {
      const nap = await naps(SLOW_MS, AT_ONCE);
      return { rate: perSecond(count, await napInLoops(nap, { loops: AT_ONCE, count })) };
    },
  };
}
