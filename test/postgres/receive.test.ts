import { createHash } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createMessage, type MessageOptions } from "../../src/message/create-message.js";
import type { Message } from "../../src/message/message.js";
import { fatal, retryAfter } from "../../src/receiver/failure.js";
import { withLimit } from "../../src/receiver/middleware/limit.js";
import { intervalTrigger } from "../../src/source/postgres/trigger.js";
import { transaction } from "../../src/transaction/transaction.js";
import { withTx } from "../../src/transaction/with-tx.js";
import { deferred } from "../receiver/support.js";
import { watchedPool } from "../support/watched-pool.js";
import { deliveries, type Engine, engine, rows, until } from "./support.js";

let db: Engine;
beforeEach(async () => {
  db = await engine();
});
afterEach(() => db.close());

async function publish(
  name: string,
  payload: unknown = {},
  options?: MessageOptions,
): Promise<Message> {
  const message = createMessage(name, payload, options);
  await db.publisher.publishOne(message);
  return message;
}

const open = () => rows(db.pool, "select * from opinionated_events.lease");

describe("a receiver on Postgres", () => {
  it("delivers what commits to every queue, once, and nothing that is rolled back", async () => {
    const seen: string[] = [];
    const receiver = db.receiver();
    for (const queue of ["mail", "crm", "audit"])
      receiver.on(queue, "user.created", ({ message }) => seen.push(`${queue} ${message.id}`));
    await receiver.start();
    const kept = Array.from({ length: 30 }, (_, n) => createMessage("user.created", n));
    await Promise.all(
      kept.map(async (message, n) => {
        await transaction(db.pool, (tx) => db.publisher.publishOne(message, withTx(tx)));
        const undone = transaction(db.pool, async (tx) => {
          await db.publisher.publishOne(createMessage("user.created", n), withTx(tx));
          throw new Error("no");
        });
        await expect(undone).rejects.toThrow("no");
      }),
    );
    await until(() => expect(seen.length).toBeGreaterThanOrEqual(3 * kept.length));
    await receiver.stop();
    const wanted = ["mail", "crm", "audit"].flatMap((queue) =>
      kept.map(({ id }) => `${queue} ${id}`),
    );
    expect(seen.toSorted()).toEqual(wanted.toSorted());
  });

  it("prepares its statements only where it is told to, under names of all processes", async () => {
    const queries: { text: string; name: string | undefined }[] = [];
    const pool = {
      async connect() {
        const client = await db.pool.connect();
        const query = (config: { text: string; name?: string }) => {
          queries.push({ text: config.text, name: config.name });
          return client.query(config);
        };
        return { query, release: (broken?: boolean) => client.release(broken) };
      },
    };
    const namesOf = async (preparedStatements: boolean) => {
      queries.length = 0;
      const receiver = db.receiver({ pool, preparedStatements });
      const seen: string[] = [];
      receiver.on("mail", "user.created", ({ message, attempt }) => {
        seen.push(message.id);
        if (attempt === 1) throw new Error("not yet");
      });
      await receiver.start();
      const { id } = await publish("user.created");
      await until(() => expect(seen).toEqual([id, id]));
      await receiver.stop();
      return new Map(queries.map(({ text, name }) => [text, name]));
    };
    const without = await namesOf(false);
    expect(new Set(without.values())).toEqual(new Set([undefined]));
    const names = await namesOf(true);
    expect(new Set(names.values()).size).toBe(names.size);
    for (const [text, name] of names) {
      const hash = createHash("sha256").update(text).digest("hex");
      expect(name).toBe(`opinionated_events_${hash.slice(0, 32)}`);
    }
    expect([...names.keys()].join()).toMatch(
      /claim_packed.*settle_batches|settle_batches.*claim_packed/s,
    );
  });

  it("claims what is there when it starts, without asking first", async () => {
    const claimed = deferred<void>();
    const pool = watchedPool(db.pool, async (text, run) => {
      if (text.includes(".poll(")) await claimed.promise;
      if (text.includes(".claim_packed(")) claimed.resolve();
      return run();
    });
    const { id } = await publish("user.created");
    const seen: string[] = [];
    const receiver = db.receiver({ pool }).queue("mail", { startAt: "earliest" });
    receiver.on("mail", "user.created", ({ message }) => seen.push(message.id));
    await receiver.start();
    await until(() => expect(seen).toEqual([id])).finally(() => claimed.resolve());
    await receiver.stop();
  });

  it("gives the handler the message as it was published", async () => {
    const got = deferred<Message>();
    await db
      .receiver()
      .on("q", "user.created", ({ message }) => got.resolve(message))
      .start();
    const sent = await publish("user.created", { a: [1, "ü"] }, { key: "k", headers: { h: "v" } });
    const message = await got.promise;
    expect(message).toMatchObject({
      id: sent.id,
      name: "user.created",
      topic: "user",
      key: "k",
      headers: { h: "v" },
      payload: { a: [1, "ü"] },
    });
    expect(message.publishedAt).toBeInstanceOf(Date);
    expect(Math.abs(message.publishedAt.getTime() - Date.now())).toBeLessThan(60_000);
  });

  it("tries again after the back-off, with the attempt counted, and keeps the rest of the batch done", async () => {
    const attempts: [unknown, number][] = [];
    await db
      .receiver()
      .on("q", "job.run", ({ payload, attempt }) => {
        attempts.push([payload, attempt]);
        if (payload === "flaky" && attempt < 3) throw new Error("not yet");
      })
      .start();
    await db.publisher.publishMany(
      ["fine", "flaky", "good"].map((payload) => createMessage("job.run", payload)),
    );
    await until(() => expect(attempts).toContainEqual(["flaky", 3]));
    await until(async () => expect(await deliveries(db)).toEqual([]));
    expect(attempts.filter(([payload]) => payload !== "flaky")).toEqual([
      ["fine", 1],
      ["good", 1],
    ]);
    expect(attempts.filter(([payload]) => payload === "flaky")).toEqual([
      ["flaky", 1],
      ["flaky", 2],
      ["flaky", 3],
    ]);
  });

  it("keeps a dead message with its reason and attempts, and goes on", async () => {
    const seen: unknown[] = [];
    const errors: unknown[] = [];
    await db
      .receiver({}, (error) => errors.push(error))
      .use(withLimit(2))
      .on("q", "job.run", ({ payload }) => {
        seen.push(payload);
        if (payload === "fatal") throw fatal(new Error("never"));
        if (payload === "worn") throw new Error("again and again");
      })
      .start();
    for (const payload of ["fatal", "worn", "fine"]) await publish("job.run", payload);
    await until(async () =>
      expect((await deliveries(db)).map(({ state }) => state)).toEqual(["dead", "dead"]),
    );
    await until(() => expect(seen).toContain("fine"));
    const [first, second] = await deliveries(db);
    expect(first).toMatchObject({
      attempt: 1,
      reason: { message: "never", stack: expect.any(String) },
    });
    expect(second).toMatchObject({
      attempt: 2,
      reason: { code: "RETRIES_EXHAUSTED", message: expect.stringContaining("again and again") },
    });
    expect(errors.length).toBe(3);
  });

  it("records an error whatever it holds, and a delay however long, and goes on with the rest", async () => {
    const seen: unknown[] = [];
    await db
      .receiver()
      .on("q", "job.run", ({ payload }) => {
        if (payload === "unreadable") throw fatal(new Error("a\u0000b \ud800"));
        if (payload === "never") throw retryAfter(1e18, new Error("much later"));
        seen.push(payload);
      })
      .start();
    await db.publisher.publishMany(
      ["unreadable", "never", "fine"].map((payload) => createMessage("job.run", payload)),
    );
    await until(async () => expect(await deliveries(db)).toHaveLength(2));
    const [unreadable, never] = await deliveries(db);
    expect(unreadable).toMatchObject({ state: "dead", reason: { message: "a\ufffdb \ufffd" } });
    expect(never).toMatchObject({ state: "retrying", reason: { message: "much later" } });
    await until(async () => expect(await open()).toEqual([]));
    expect(seen).toEqual(["fine"]);
  });

  it("holds back what is not due, by time and by delay, also when a handler asks for one", async () => {
    const seen: unknown[] = [];
    await db
      .receiver()
      .on("q", "job.run", ({ payload, attempt }) => {
        seen.push(`${payload} ${attempt}`);
        if (payload === "asks" && attempt === 1) throw retryAfter(3_600_000, new Error("later"));
      })
      .start();
    await publish("job.run", "later", { delayMs: 3_600_000 });
    await publish("job.run", "soon", { delayMs: 300 });
    await publish("job.run", "past", { deliverAt: new Date(Date.now() - 1_000) });
    await publish("job.run", "asks");
    await until(() => expect(seen).toContain("soon 1"));
    await until(async () => expect(await deliveries(db)).toHaveLength(2));
    const waiting = await rows(
      db.pool,
      "select payload #>> '{}' as payload, state, due_at > now() + interval '59 min' as hour from opinionated_events.delivery order by position",
    );
    expect(waiting).toEqual([
      { payload: "later", state: "scheduled", hour: true },
      { payload: "asks", state: "retrying", hour: true },
    ]);
    expect(seen.toSorted()).toEqual(["asks 1", "past 1", "soon 1"]);
  });

  it("parks what this process has no handler for, until a process that has one takes it", async () => {
    const old = db.receiver().on("q", "user.created", () => {});
    await old.start();
    await rows(db.pool, "select opinionated_events.subscribe('q', 'user.deleted')");
    const parked = await publish("user.deleted");
    await until(async () =>
      expect(await deliveries(db)).toMatchObject([
        { name: "user.deleted", state: "parked", attempt: 0 },
      ]),
    );
    const got = deferred<Message>();
    await db
      .receiver()
      .on("q", "user.deleted", ({ message }) => got.resolve(message))
      .start();
    expect((await got.promise).id).toBe(parked.id);
    await until(async () => expect(await deliveries(db)).toEqual([]));
  });

  it("reads patterns, and topics that did not exist when it started", async () => {
    const seen: string[] = [];
    await db
      .receiver()
      .on("users", "user.*", ({ message }) => seen.push(`users ${message.name}`))
      .on("all", "*", ({ message }) => seen.push(`all ${message.name}`))
      .start();
    for (const name of ["user.created", "user.address.changed", "order.placed", "user", "plain"])
      await publish(name);
    await until(() => expect(seen.length).toBeGreaterThanOrEqual(7));
    await until(async () => expect(await open()).toEqual([]));
    expect(seen.toSorted()).toEqual([
      "all order.placed",
      "all plain",
      "all user",
      "all user.address.changed",
      "all user.created",
      "users user.address.changed",
      "users user.created",
    ]);
  });

  it("starts a new queue now, at the earliest, or at a time", async () => {
    await publish("user.created", "old");
    // A Date has milliseconds.
    const [{ now }] = await rows(db.pool, "select clock_timestamp() as now from pg_sleep(0.002)");
    await publish("user.created", "recent");
    const seen: string[] = [];
    const receiver = db.receiver();
    for (const [queue, startAt] of [
      ["now", "now"],
      ["earliest", "earliest"],
      ["time", now],
    ] as const) {
      receiver
        .queue(queue, { startAt })
        .on(queue, "user.created", ({ payload }) => seen.push(`${queue} ${payload}`));
    }
    await receiver.start();
    await publish("user.created", "new");
    await until(() => expect(seen).toHaveLength(6));
    expect(seen.toSorted()).toEqual([
      "earliest new",
      "earliest old",
      "earliest recent",
      "now new",
      "time new",
      "time recent",
    ]);
  });

  it("delivers what commits late, though later positions were read before", async () => {
    const seen: unknown[] = [];
    await db
      .receiver()
      .on("q", "user.created", ({ payload }) => seen.push(payload))
      .start();
    const client = await db.pool.connect();
    try {
      await client.query("begin");
      await db.publisher.publishOne(createMessage("user.created", "late"), withTx(client));
      await publish("user.created", "early");
      await until(() => expect(seen).toEqual(["early"]));
      await client.query("commit");
      await until(() => expect(seen).toEqual(["early", "late"]));
    } finally {
      client.release();
    }
  });

  it("runs no more handlers at once than it may, per queue and in all", async () => {
    const running = { a: 0, b: 0 };
    const most = { a: 0, b: 0, all: 0 };
    let count = 0;
    const receiver = db.receiver({ maxWorkers: 5 });
    for (const queue of ["a", "b"] as const) {
      receiver.on(queue, "job.run", async () => {
        running[queue] += 1;
        most[queue] = Math.max(most[queue], running[queue]);
        most.all = Math.max(most.all, running.a + running.b);
        await new Promise((resolve) => setTimeout(resolve, 2));
        running[queue] -= 1;
        count += 1;
      });
    }
    await receiver.queue("a", { concurrency: 3 }).start();
    await db.publisher.publishMany(
      Array.from({ length: 100 }, (_, n) => createMessage("job.run", n)),
    );
    await until(() => expect(count).toBe(200));
    expect(most.a).toBe(3);
    expect(most.all).toBe(5);
  });

  it("lets handlers finish when it stops, and gives back what it has not started", async () => {
    const [started, finish] = [deferred(), deferred()];
    const seen: unknown[] = [];
    const receiver = db.receiver({ maxWorkers: 1 }).on("q", "job.run", async ({ payload }) => {
      started.resolve();
      await finish.promise;
      seen.push(payload);
    });
    await publish("job.run", 0);
    await receiver.queue("q", { startAt: "earliest" }).start();
    await started.promise;
    const stopping = receiver.stop();
    finish.resolve();
    await expect(stopping).resolves.toMatchObject({ finished: 1, aborted: 0 });
    expect(seen).toEqual([0]);
    expect(await open()).toEqual([]);
    expect(await deliveries(db)).toEqual([]);
  });

  it("takes nothing after a stop, not even from a topic that a poll under way has met", async () => {
    const [polling, answer] = [deferred(), deferred()];
    const statements: string[] = [];
    const pool = watchedPool(db.pool, async (text, run) => {
      const result = await run();
      const isNews = /poll\(/.test(text) && JSON.stringify(result.rows).includes("met");
      if (isNews) polling.resolve();
      if (isNews) await answer.promise;
      statements.push(text);
      return result;
    });
    const receiver = db.receiver({ pool }).on("q", "*", () => {});
    await receiver.start();
    await publish("met.now");
    await polling.promise;
    const stopping = receiver.stop();
    answer.resolve();
    await stopping;
    const count = statements.length;
    // As many round trips as a claim that goes on would use.
    for (let n = 0; n < 50; n += 1) await db.pool.query("select");
    expect(statements.slice(count)).toEqual([]);
    expect(await open()).toEqual([]);
  });

  it("aborts what runs on at the deadline, and lets another process have it at once", async () => {
    const started = deferred<AbortSignal>();
    const stuck = db.receiver().on("q", "job.run", ({ signal }) => {
      started.resolve(signal);
      return new Promise(() => {});
    });
    await stuck.start();
    const sent = await publish("job.run");
    const signal = await started.promise;
    await expect(stuck.stop({ deadlineMs: 0 })).resolves.toMatchObject({ finished: 0, aborted: 1 });
    expect(signal.aborted).toBe(true);
    const got = deferred<[string, number]>();
    await db
      .receiver()
      .on("q", "job.run", ({ message, attempt }) => got.resolve([message.id, attempt]))
      .start();
    expect(await got.promise).toEqual([sent.id, 2]);
  });

  it("gives back what it takes while it stops, though its deadline is over", async () => {
    const [started, polling, sweeping] = [deferred(), deferred(), deferred()];
    const [recorded, claimed] = [deferred(), deferred()];
    let isHolding = false;
    const pool = watchedPool(db.pool, async (text, run, [, leftovers]) => {
      if (isHolding && text.includes(".poll(")) {
        polling.resolve();
        await recorded.promise;
      }
      if (isHolding && text.includes(".sweep(")) {
        sweeping.resolve();
        await claimed.promise;
      }
      const result = await run();
      if (leftovers && text.includes(".settle_batches(")) recorded.resolve();
      if (result.rows.length > 0 && text.includes(".claim_deliveries(")) claimed.resolve();
      return result;
    });
    const triggers = [intervalTrigger(50)];
    const stopping = db.receiver({ pool, triggers }).on("q", "job.run", () => {
      started.resolve();
      return new Promise(() => {});
    });
    await stopping.start();
    const sent = await publish("job.run");
    await started.promise;
    isHolding = true;
    await Promise.all([polling.promise, sweeping.promise]);
    await stopping.stop({ deadlineMs: 0 });
    const got = deferred<string>();
    await db
      .receiver()
      .on("q", "job.run", ({ message }) => got.resolve(message.id))
      .start();
    expect(await got.promise).toBe(sent.id);
  });

  it("can't complete what it has lost the lease of, and aborts its handler", async () => {
    const started = deferred<AbortSignal>();
    const errors: unknown[] = [];
    await db
      .receiver({}, (error) => errors.push(error))
      .on("q", "job.run", ({ signal, attempt }) => {
        if (attempt > 1) return;
        started.resolve(signal);
        return new Promise((resolve) => signal.addEventListener("abort", resolve));
      })
      .start();
    await publish("job.run");
    const signal = await started.promise;
    await rows(db.pool, "update opinionated_events.lease set expires_at = now()");
    await rows(db.pool, "select opinionated_events.sweep('{q}', 1000)");
    await until(() => expect(signal.aborted).toBe(true));
    await until(() =>
      expect(errors).toContainEqual(expect.objectContaining({ code: "LEASE_LOST" })),
    );
    await until(async () => expect(await deliveries(db)).toEqual([]));
  });

  it("refuses to start on a missing schema, naming the way out", async () => {
    const receiver = db.receiver({ schema: "nowhere" }).on("q", "user.created", () => {});
    await expect(receiver.start()).rejects.toMatchObject({ code: "SCHEMA_MISSING" });
  });

  it("says that the listener can't connect", async () => {
    const { notifyTrigger } = await import("../../src/source/postgres/trigger.js");
    const triggers = [notifyTrigger({ host: "127.0.0.1", port: 1, user: "x", database: "x" })];
    const receiver = db.receiver({ triggers }).on("q", "user.created", () => {});
    await expect(receiver.start()).rejects.toMatchObject({ code: "LISTENER_FAILED" });
  });
});
