import { afterEach, beforeEach, expect, it } from "vitest";
import type { DeadLetters } from "../../src/operations/dead-letters.js";
import type { BatchProgress, Leftover } from "../../src/postgres/batch.js";
import { settleBatches } from "../../src/postgres/batch.js";
import { claimDeliveries, settleDeliveries } from "../../src/postgres/delivery.js";
import { Engine, LEASE_MS, QUEUE } from "../engine/engine.js";
import { publish, twoWorkers } from "../engine/ordered-queue.js";
import { deadLettersOf } from "./support.js";

let engine: Engine;
let letters: DeadLetters;

beforeEach(async () => {
  engine = await Engine.create();
  letters = deadLettersOf(engine.pool);
});
afterEach(() => engine.drop());

const DEAD: Leftover = { state: "dead", attempt: 1, reason: { code: "X", message: "x" }, ranMs: 5 };
const NOT_RUN: Leftover = { state: "dead", attempt: 1, reason: { code: "WORKER_LOST" } };

function claim(leaseMs: number) {
  const request = { limit: 10, suspects: 10, patterns: ["t.*"] };
  return claimDeliveries(engine.db, QUEUE, request, { session: null, leaseMs });
}

async function history() {
  const [letter] = (await letters.list({})).letters;
  return letter?.attempts.map(({ attempt, code, beganAt }) => [
    attempt,
    code,
    beganAt !== undefined,
  ]);
}

it("counts lost workers among the attempts: of the batch, then of the delivery", async () => {
  await engine.subscribe("t.*");
  await engine.publish("t.1");
  await engine.lease(1, 0);
  await engine.sweep();
  await claim(0);
  const [third] = await claim(0);
  const [last] = await claim(LEASE_MS);
  if (!third || !last) return expect.fail();
  // Who has lost it has no say in its history.
  await settleDeliveries(engine.db, [{ key: third.key, result: DEAD }], LEASE_MS);
  await settleDeliveries(engine.db, [{ key: last.key, result: NOT_RUN }], LEASE_MS);
  expect(await history()).toEqual([
    [1, "WORKER_LOST", false],
    [2, "WORKER_LOST", true],
    [3, "WORKER_LOST", true],
  ]);
});

it("counts lost workers of an ordered queue, and not for what had not run", async () => {
  const [worker] = await twoWorkers(engine);
  await publish(engine, "k1 k2");
  const batch = await worker.claim();
  const held = batch?.messages.map(({ position }) => [position, RETRY] as const);
  await worker.settle(batch ? [batch] : [], new Map(held));
  expect(await worker.claimDeliveries(1, 0)).toHaveLength(1);
  const claimed = await worker.claimDeliveries();
  await worker.settleDeliveries(claimed, DEAD);
  const found = await letters.list({}, { order: "oldest" });
  const codes = found.letters.map(({ message, attempts }) => [
    message.name,
    attempts.map(({ code }) => code),
  ]);
  expect(codes[0]).toEqual(["t.k1", ["R", "WORKER_LOST", "X"]]);
});

const RETRY: Leftover = {
  state: "retrying",
  attempt: 1,
  afterMs: 0,
  reason: { code: "R", message: "r" },
  ranMs: 1,
};

it("has nothing of what did not fail, and pays nothing for it", async () => {
  await engine.subscribe("t.*");
  for (const name of ["t.1", "t.2", "t.3"]) await engine.publish(name);
  const batch = await engine.claimBatch();
  if (!batch) return expect.fail();
  const states = ["waiting", "parked", "dead"] as const;
  const progress: BatchProgress = {
    key: batch.key,
    done: undefined,
    leftovers: new Map(
      batch.messages.map(({ position }, n) => [
        position,
        { state: states[n] as (typeof states)[number], attempt: 0, reason: { code: "X" } },
      ]),
    ),
  };
  expect(await settleBatches(engine.db, [progress], LEASE_MS)).toEqual([]);
  const found = "select name, failures, died from opinionated_events.delivery order by position";
  expect(await engine.sql(found)).toEqual([
    ["t.1", [], null],
    ["t.2", [], null],
    ["t.3", [], "1"],
  ]);
});
