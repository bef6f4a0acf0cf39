import type { ChildProcess } from "node:child_process";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createMessage } from "../../src/message/create-message.js";
import { deliveries, type Engine, engine, idOf, rows, until } from "./support.js";
import { kill, startWorker, type WorkerEvent } from "./worker-process.js";

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

async function worker(name: string): Promise<ChildProcess> {
  const child = await startWorker(db.url, name, events);
  workers.push(child);
  return child;
}

async function publish(payloads: readonly object[]): Promise<string[]> {
  const messages = payloads.map((payload) => createMessage("job.run", payload));
  await db.publisher.publishMany(messages);
  return messages.map(idOf);
}

const started = (worker?: string) =>
  events.filter((e) => e.event === "start" && (worker ?? e.worker) === e.worker);
const ended = (worker?: string) =>
  events.filter((e) => e.event === "end" && (worker ?? e.worker) === e.worker);

/** Far above what a takeover takes, and below the lease of 30 s that would end by itself. */
const TIMEOUT_MS = 20_000;

describe("a worker that is lost", () => {
  it("leaves nothing undone: others take over what it had started, and what it had not", {
    timeout: TIMEOUT_MS,
  }, async () => {
    const doomed = await worker("doomed");
    const ids = await publish(
      Array.from({ length: 40 }, (_, n) => (n % 8 === 0 ? {} : { only: "doomed", act: "hang" })),
    );
    await until(() => expect(started("doomed").length).toBeGreaterThan(ended("doomed").length));
    await until(() => expect(ended("doomed").length).toBeGreaterThan(0));
    await worker("other");
    const killedAt = performance.now();
    await kill(doomed);
    await until(() => expect(new Set(ended().map(({ id }) => id))).toEqual(new Set(ids)));
    console.log(
      `everything was handled ${Math.round(performance.now() - killedAt)} ms after the kill`,
    );
    await until(async () =>
      expect(await rows(db.pool, "select from opinionated_events.lease")).toEqual([]),
    );
    await until(async () => expect(await deliveries(db)).toEqual([]));
  });

  it("keeps its work while its event loop is blocked for longer than the suspicion lasts", {
    timeout: TIMEOUT_MS,
  }, async () => {
    await worker("blocked");
    const [id] = await publish([{ only: "blocked", act: "block", ms: 6_000 }]);
    await until(() => expect(started("blocked")).toHaveLength(1));
    await worker("other");
    await until(() => expect(ended("blocked")).toHaveLength(1));
    await until(async () =>
      expect(await rows(db.pool, "select from opinionated_events.lease")).toEqual([]),
    );
    expect(started().map((event) => event.id)).toEqual([id]);
  });

  it("is blamed on the message that kills it, which ends dead; its neighbours are handled", {
    timeout: 60_000,
  }, async () => {
    await worker("w1");
    const poison = { act: "exit" };
    const ids = await publish([{}, {}, poison, {}, {}]);
    const next = async (n: number): Promise<void> => {
      await new Promise((resolve) => workers.at(-1)?.once("exit", resolve));
      if (n <= 5)
        await worker(`w${n}`).then(
          () => next(n + 1),
          () => next(n + 1),
        );
    };
    void next(2);
    await expect
      .poll(() => deliveries(db), { timeout: 50_000, interval: 100 })
      .toMatchObject([{ state: "dead", reason: { code: "WORKER_LOST" } }]);
    const [dead] = await rows(db.pool, "select id, lost, attempt from opinionated_events.delivery");
    expect(dead.id).toBe(ids[2]);
    await until(() =>
      expect(new Set(ended().map(({ id }) => id))).toEqual(
        new Set(ids.filter((id) => id !== dead.id)),
      ),
    );
  });
});
