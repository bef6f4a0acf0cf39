import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { watchedPool } from "../support/watched-pool.js";
import { type Engine, engine, until } from "./support.js";

let db: Engine;
beforeAll(async () => {
  db = await engine();
});
afterAll(() => db.close());

describe("an idle receiver", () => {
  it("polls for all its queues at once: 20 of them cost no more than 5 statements an interval", async () => {
    const statements: string[] = [];
    const pool = watchedPool(db.pool, (text, run) => {
      statements.push(/opinionated_events\.(\w+)/.exec(text)?.[1] ?? text);
      return run();
    });
    const receiver = db.receiver({ pool, triggers: [db.notify()] });
    for (let n = 0; n < 20; n += 1) receiver.on(`q${n}`, `topic${n % 7}.made`, () => {});
    await receiver.start();
    const polls = () => statements.filter((name) => name === "poll").length;
    await until(() => expect(polls()).toBeGreaterThanOrEqual(2));
    const [before, pollsBefore] = [statements.length, polls()];
    // While somebody in the cluster has a transaction open, polls come sooner.
    await until(() => expect(polls()).toBeGreaterThanOrEqual(pollsBefore + 5));
    const perInterval = (statements.length - before) / (polls() - pollsBefore);
    console.log(
      `${perInterval} statements an interval of 1 s:`,
      [...new Set(statements.slice(before))].join(", "),
    );
    expect(perInterval).toBeLessThanOrEqual(5);
  });
});
