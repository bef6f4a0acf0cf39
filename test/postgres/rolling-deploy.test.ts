import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createMessage } from "../../src/message/create-message.js";
import { deliveries, type Engine, engine, idOf, rows, until } from "./support.js";
import { kill, startWorker, type WorkerEvent } from "./worker-process.js";

const OLD = ["job.a"];
const NEW = ["job.a", "job.b"];

let db: Engine;
let events: WorkerEvent[];
let workers: ChildProcess[];
beforeEach(async () => {
  db = await engine();
  [events, workers] = [[], []];
});
afterEach(async () => {
  await Promise.all(workers.map(kill));
  await db.close();
});

async function worker(name: string, names: readonly string[]): Promise<ChildProcess> {
  const child = await startWorker(db.url, name, events, { names });
  workers.push(child);
  return child;
}

async function retire(child: ChildProcess): Promise<void> {
  const exit = once(child, "exit");
  child.kill("SIGTERM");
  expect(await exit).toEqual([0, null]);
}

/** Publishes both names, one after the other, until it is told to stop. */
function publisher() {
  const ids = { "job.a": [] as string[], "job.b": [] as string[] };
  let isStopping = false;
  const run = async () => {
    while (!isStopping) {
      for (const name of ["job.a", "job.b"] as const) {
        const message = createMessage(name, {});
        ids[name].push(message.id);
        await db.publisher.publishOne(message);
      }
    }
  };
  const running = run();
  return {
    ids,
    stop() {
      isStopping = true;
      return running;
    },
  };
}

async function bothHandle(...names: readonly string[]): Promise<void> {
  const from = events.length;
  await until(() =>
    expect(events.slice(from).map((event) => event.worker)).toEqual(
      expect.arrayContaining([...names]),
    ),
  );
}

const parked = () =>
  rows(db.pool, "select from opinionated_events.delivery where state = 'parked'");
const handled = () => new Set(events.filter(({ event }) => event === "end").map(idOf));

describe("a rolling deploy that adds a name to a queue", () => {
  it("loses nothing and leaves nothing behind: the new ones take what the old ones park", {
    timeout: 60_000,
  }, async () => {
    const old = await Promise.all(["old 0", "old 1", "old 2"].map((name) => worker(name, OLD)));
    const { ids, stop } = publisher();
    await until(() => expect(handled().size).toBeGreaterThan(50));

    await worker("new 0", NEW);
    const subscribedAt = ids["job.b"].length;
    await until(async () => expect(await parked()).not.toEqual([]));
    for (const [n, child] of old.entries()) {
      await worker(`new ${n + 1}`, NEW);
      await bothHandle(`old ${n}`, `new ${n + 1}`);
      await retire(child);
    }
    await stop();

    const wanted = [...ids["job.a"], ...ids["job.b"].slice(subscribedAt)];
    await until(() => expect(wanted.filter((id) => !handled().has(id))).toEqual([]));
    await until(async () =>
      expect(await rows(db.pool, "select from opinionated_events.lease")).toEqual([]),
    );
    await until(async () => expect(await deliveries(db)).toEqual([]));
  });
});
