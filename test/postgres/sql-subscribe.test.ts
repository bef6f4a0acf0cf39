import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { claimBatch, settleBatches } from "../../src/postgres/batch.js";
import { Database } from "../../src/postgres/database.js";
import { unsubscribe } from "../../src/postgres/subscription.js";
import { dropCursors, sweep } from "../../src/postgres/takeover.js";
import { retryAfter } from "../../src/receiver/failure.js";
import { deferred } from "../receiver/support.js";
import { watchedPool } from "../support/watched-pool.js";
import { deliveries, type Engine, engine, rows, until } from "./support.js";

const LEASE = { session: null, leaseMs: 60_000 };

let db: Engine;
let database: Database;
beforeEach(async () => {
  db = await engine();
  database = new Database(db.pool);
});
afterEach(() => db.close());

const sql = (text: string, values?: unknown[]) => rows(db.pool, text, values);
const subscribe = (args: string) => sql(`select opinionated_events.subscribe(${args})`);
const publish = (name: string) => sql(`select opinionated_events.publish($1, '1')`, [name]);
const claim = (queue: string, topic: string) => claimBatch(database, queue, topic, 100, LEASE);
const cursors = async () =>
  (await sql("select queue, topic from opinionated_events.queue_topic order by 1, 2")).map(
    ({ queue, topic }) => `${queue} ${topic}`,
  );

/** The names of all that a queue still gets from a topic. */
async function claimed(queue: string, topic: string): Promise<string[]> {
  const batch = await claim(queue, topic);
  if (!batch) return [];
  return [...batch.messages.map(({ message }) => message.name), ...(await claimed(queue, topic))];
}

describe("subscribe", () => {
  it("finds the topic of a name and of a pattern, unless it is given", async () => {
    await sql("set search_path = ''");
    await subscribe("'a', 'user.created'");
    await subscribe("'b', 'user.address.*'");
    await subscribe("'c', '*'");
    await subscribe("'d', 'user.created', topic => 'people'");
    expect(
      await sql("select queue, topic, pattern from opinionated_events.subscriptions order by 1"),
    ).toEqual([
      { queue: "a", topic: "user", pattern: "user.created" },
      { queue: "b", topic: "user", pattern: "user.address.*" },
      { queue: "c", topic: "*", pattern: "*" },
      { queue: "d", topic: "people", pattern: "user.created" },
    ]);
  });

  it("begins now, with all that there is, or at a time", async () => {
    await publish("user.old");
    const [{ now }] = await sql("select clock_timestamp()::text as now");
    await publish("user.recent");
    await subscribe("'now', 'user.*'");
    await subscribe("'null', 'user.*', null");
    await subscribe("'earliest', 'user.*', '-infinity'");
    await sql("select opinionated_events.subscribe('time', 'user.*', $1)", [now]);
    await publish("user.new");
    expect(await claimed("now", "user")).toEqual(["user.new"]);
    expect(await claimed("null", "user")).toEqual(["user.new"]);
    expect(await claimed("time", "user")).toEqual(["user.recent", "user.new"]);
    expect(await claimed("earliest", "user")).toEqual(["user.old", "user.recent", "user.new"]);
  });

  it.each([
    ["'a b', 'user.*'", "INVALID_NAME"],
    ["null, 'user.*'", "INVALID_NAME"],
    ["'q', 'user.*', topic => 'a b'", "INVALID_NAME"],
    ["'q', 'user.*', topic => '*'", "INVALID_NAME"],
    ["'q', '.created'", "INVALID_NAME"],
    ["'q', ''", "INVALID_PATTERN"],
    ["'q', null", "INVALID_PATTERN"],
    ["'q', 'user*'", "INVALID_PATTERN"],
    ["'q', 'user.*.x'", "INVALID_PATTERN"],
    ["'q', '.*'", "INVALID_PATTERN"],
    ["'q', '**'", "INVALID_PATTERN"],
  ])("refuses (%s)", async (args, code) => {
    await expect(subscribe(args)).rejects.toMatchObject({ code: "22023", detail: code });
    expect(await sql("select * from opinionated_events.subscriptions")).toEqual([]);
  });
});

describe("unsubscribe", () => {
  it("ends one subscription, and says whether there was one", async () => {
    await subscribe("'q', 'user.created'");
    await subscribe("'q', 'user.deleted'");
    expect(await unsubscribe(db.pool, "q", "user.created")).toBe(true);
    expect(await unsubscribe(db.pool, "q", "user.created")).toBe(false);
    await publish("user.created");
    await publish("user.deleted");
    expect(await claimed("q", "user")).toEqual(["user.deleted"]);
  });

  it("refuses options that it does not have", async () => {
    await expect(unsubscribe(db.pool, "q", "a", { drop: true } as never)).rejects.toMatchObject({
      code: "INVALID_OPTIONS",
    });
  });

  it("needs a transaction of its own", async () => {
    await expect(
      sql("begin; create temp table t (); select opinionated_events.unsubscribe('q', 'a')"),
    ).rejects.toMatchObject({ code: "25000" });
  });

  it("drops the cursors that nothing needs any more, and begins anew when it is subscribed again", async () => {
    await subscribe("'q', 'user.*'");
    await subscribe("'q', '*'");
    await subscribe("'other', 'user.*'");
    await publish("order.placed");
    await sql("select opinionated_events.discover('{q}')");
    expect(await cursors()).toEqual(["other user", "q *", "q order", "q user"]);
    await unsubscribe(db.pool, "q", "user.*");
    expect(await cursors()).toEqual(["other user", "q *", "q order", "q user"]);
    await subscribe("'q', 'user.*'");
    await unsubscribe(db.pool, "q", "*");
    expect(await cursors()).toEqual(["other user", "q user"]);
    await unsubscribe(db.pool, "q", "user.*");
    expect(await cursors()).toEqual(["other user"]);
    expect(await sql("select distinct queue from opinionated_events.batch")).toEqual([
      { queue: "other" },
    ]);
    await publish("user.between");
    await subscribe("'q', 'user.*'");
    await publish("user.after");
    expect(await claimed("q", "user")).toEqual(["user.after"]);
    expect(await claimed("other", "user")).toEqual(["user.between", "user.after"]);
  });

  it("keeps the cursor while a worker holds messages: it finishes them, or is swept", async () => {
    await subscribe("'q', 'user.*'");
    await subscribe("'r', 'user.*'");
    await publish("user.created");
    const batch = await claim("q", "user");
    await claimBatch(database, "r", "user", 100, { ...LEASE, leaseMs: 0 });
    for (const queue of ["q", "r"]) await unsubscribe(db.pool, queue, "user.*");
    expect(await cursors()).toEqual(["q user", "r user"]);
    await publish("user.created");
    expect(await claimed("q", "user")).toEqual([]);
    if (!batch) throw new Error("There was no batch.");
    const leftovers = new Map([
      [batch.messages[0]?.position ?? "", { state: "retrying", afterMs: 0, attempt: 1 } as const],
    ]);
    expect(
      await settleBatches(database, [{ key: batch.key, done: undefined, leftovers }], 1),
    ).toEqual([]);
    await sweep(database, ["q", "r"], 0);
    await dropCursors(database, ["q", "r"]);
    expect(await cursors()).toEqual([]);
    expect(await deliveries(db)).toMatchObject([{ queue: "q", state: "retrying" }]);
  });

  it("leaves what waits, unless it is told to discard it; dead letters stay in any case", async () => {
    await sql(
      `insert into opinionated_events.delivery
         (queue, topic, position, name, id, payload, published_at, state, due_at, attempt, token)
       select q, 'user', n, name, gen_random_uuid(), '1', now(), state, 'infinity', 1, token
       from (values ('q'), ('other')) x (q), (values
         (1, 'user.created', 'waiting', null), (2, 'user.created', 'parked', null), (3, 'user.created', 'dead', null),
         (4, 'user.created', 'retrying', 7), (5, 'user.deleted', 'scheduled', null)) d (n, name, state, token)`,
    );
    const left = async (queue: string) =>
      (await deliveries(db)).filter((d) => d.queue === queue).map(({ state }) => state);
    for (const pattern of ["user.created", "user.deleted"]) await subscribe(`'q', '${pattern}'`);
    await unsubscribe(db.pool, "q", "user.created");
    const all = ["waiting", "parked", "dead", "retrying", "scheduled"];
    expect(await left("q")).toEqual(all);
    await unsubscribe(db.pool, "q", "user.created", { discard: true });
    expect(await left("q")).toEqual(["dead", "retrying", "scheduled"]);
    expect(await left("other")).toEqual(all);
  });

  it("waits for a subscription on its way, and keeps the cursor that it needs", async () => {
    await subscribe("'q', 'user.created'");
    const client = await db.pool.connect();
    await client.query("begin");
    await client.query("select opinionated_events.subscribe('q', 'user.deleted')");
    const ended = unsubscribe(db.pool, "q", "user.created");
    const waiting = "select from pg_locks where locktype = 'advisory' and not granted";
    await until(async () => expect(await sql(waiting)).toHaveLength(1));
    await client.query("commit");
    client.release();
    expect(await ended).toBe(true);
    await publish("user.deleted");
    expect(await claimed("q", "user")).toEqual(["user.deleted"]);
  });

  it("leaves a cursor to a sweep, which keeps it for a subscription on its way", async () => {
    await subscribe("'q', 'user.created'");
    await publish("user.created");
    const batch = await claim("q", "user");
    if (!batch) throw new Error("There was no batch.");
    await unsubscribe(db.pool, "q", "user.created");
    await settleBatches(database, [{ key: batch.key, done: undefined, leftovers: new Map() }], 1);
    const client = await db.pool.connect();
    await client.query("begin");
    await client.query("select opinionated_events.subscribe('q', 'user.deleted')");
    await dropCursors(database, ["q"]);
    await client.query("commit");
    client.release();
    await publish("user.deleted");
    expect(await claimed("q", "user")).toEqual(["user.deleted"]);
  });
});

describe("a running receiver", () => {
  it("survives that its queue is unsubscribed: it forgets the topic, until it is subscribed again", async () => {
    const claims: unknown[] = [];
    const pool = watchedPool(db.pool, (text, run, values) => {
      if (text.includes(".claim_packed(")) claims.push(values[1]);
      return run();
    });
    const errors: unknown[] = [];
    const seen: string[] = [];
    const receiver = db.receiver({ pool }, (error) => errors.push(error));
    for (const name of ["user.created", "order.placed"])
      receiver.on("q", name, ({ message }) => seen.push(message.name));
    await receiver.start();
    /** Wakes the receiver until it has asked the topic so often. */
    const asked = async (topic: string, times: number) => {
      claims.length = 0;
      await until(async () => {
        await sql("notify opinionated_events");
        expect(claims.filter((claim) => claim === topic).length).toBeGreaterThanOrEqual(times);
      });
    };
    await asked("user", 1);
    await unsubscribe(db.pool, "q", "user.created");
    await until(async () => expect(await cursors()).toEqual(["q order"]));
    await asked("order", 2);
    await asked("order", 5);
    expect(claims).not.toContain("user");

    await publish("user.created");
    await publish("order.placed");
    await until(() => expect(seen).toEqual(["order.placed"]));
    await subscribe("'q', 'user.created'");
    await publish("user.created");
    await until(() => expect(seen).toEqual(["order.placed", "user.created"]));
    expect(errors).toEqual([]);
  });

  it("finishes what it holds, and retries what is to be retried", async () => {
    const [started, finish] = [deferred(), deferred()];
    const errors: unknown[] = [];
    const attempts: number[] = [];
    const receiver = db.receiver({}, (error) => errors.push(error));
    receiver.on("q", "user.created", async ({ attempt, signal }) => {
      attempts.push(attempt);
      started.resolve();
      await finish.promise;
      expect(signal.aborted).toBe(false);
      if (attempt === 1) throw retryAfter(1, new Error("again"));
    });
    await receiver.start();
    await publish("user.created");
    await started.promise;
    await unsubscribe(db.pool, "q", "user.created");
    expect(await cursors()).toEqual(["q user"]);
    finish.resolve();
    await until(() => expect(attempts).toEqual([1, 2]));
    await until(async () => expect(await deliveries(db)).toEqual([]));
    await until(async () => expect(await cursors()).toEqual([]));
    expect(errors.map(String)).toEqual([expect.stringContaining("again")]);
  });
});
