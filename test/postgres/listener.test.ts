import pg from "pg";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { notifyTrigger } from "../../src/source/postgres/trigger.js";
import { INTERVAL, type Listening, listening, NAME } from "./listening.js";
import { rows, until } from "./support.js";

/** pg-listen by itself would give up after 3 s. */
const OUTAGE_MS = 10_000;

let on: Listening;
beforeEach(async () => {
  on = await listening();
});
afterEach(() => on.close());

const lost = expect.objectContaining({
  code: "LISTENER_FAILED",
  message: expect.stringContaining("was lost"),
});

describe("the listener", () => {
  it("is back after its connection was terminated, and says so", async () => {
    await on.receiver().start();
    await on.expectWakeUps();
    const [pid] = await on.sessions();
    await rows(on.db.pool, "select pg_terminate_backend($1)", [pid]);
    await until(async () => expect(await on.sessions()).toEqual([expect.not.toBeOneOf([pid])]));
    await on.expectWakeUps();
    expect(on.errors).toEqual([lost]);
  });

  it("needs nobody who is told of errors", async () => {
    const triggers = [notifyTrigger({ connectionString: on.proxied }), INTERVAL];
    await on.db
      .receiver({ triggers })
      .on("q", NAME, ({ payload }) => on.seen.push(payload))
      .start();
    on.proxy.reset();
    await until(() => expect(on.proxy.attempts).toBe(2));
    await on.expectWakeUps();
  });

  it("is back after an outage of 10 s, and handles what came meanwhile", async () => {
    await on.receiver().start();
    await on.expectWakeUps();
    on.proxy.refuse();
    await until(async () => expect(await on.sessions()).toEqual([]));
    await on.publish("meanwhile");
    const end = performance.now() + OUTAGE_MS;
    await until(() => expect(performance.now()).toBeGreaterThan(end));
    on.proxy.up();
    await until(() => expect(on.seen).toContain("meanwhile"));
    await on.expectWakeUps();
    expect(on.errors).toEqual([lost]);
  });

  it("notices a black hole, and replaces the connection", async () => {
    await on.receiver().start();
    await on.expectWakeUps();
    const before = on.proxy.attempts;
    on.proxy.silence();
    await on.publish("meanwhile");
    await until(() => expect(on.proxy.attempts).toBeGreaterThan(before));
    on.proxy.up();
    await until(() => expect(on.seen).toContain("meanwhile"));
    await on.expectWakeUps();
    await until(async () => expect(await on.sessions()).toHaveLength(1));
  });

  it("and the pool are replaced after a black hole that keeps them, if queries time out", async () => {
    const pool = new pg.Pool({ connectionString: on.proxied, query_timeout: 1_000 });
    pool.on("error", () => {});
    onTestFinished(() => pool.end());
    await on.receiver(pool).start();
    await on.expectWakeUps();
    on.proxy.silence();
    await on.publish("meanwhile");
    on.proxy.upForNew();
    await until(() => expect(on.seen).toContain("meanwhile"));
    await on.expectWakeUps();
  });

  it("is woken by any payload, JSON or not", async () => {
    await on.receiver().start();
    await rows(on.db.pool, "alter table opinionated_events.message disable trigger wake");
    for (const payload of ["{", "not JSON", "", "null"]) {
      await on.publish(payload);
      await rows(on.db.pool, "select pg_notify('opinionated_events', $1)", [payload]);
      await until(() => expect(on.seen).toContain(payload));
    }
    expect(on.errors).toEqual([]);
  });

  it("refuses a connection that doesn't hear the pool, before any handler has run", async () => {
    const subscribed = on.receiver();
    await subscribed.start();
    await subscribed.stop();
    await on.publish("waiting");
    const connectionString = Object.assign(new URL(on.db.url), { pathname: "postgres" }).href;
    const deaf = on.db
      .receiver({ triggers: [notifyTrigger({ connectionString }), INTERVAL] })
      .on("q", NAME, ({ payload }) => on.seen.push(payload));
    await expect(deaf.start()).rejects.toMatchObject({
      code: "LISTENER_FAILED",
      message: expect.stringContaining("heard nothing of the pool"),
    });
    expect(on.seen).toEqual([]);
  });
});
