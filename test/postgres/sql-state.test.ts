import type pg from "pg";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { claimBatch } from "../../src/postgres/batch.js";
import { Database } from "../../src/postgres/database.js";
import { fatal, retryAfter } from "../../src/receiver/failure.js";
import { deferred } from "../receiver/support.js";
import { type Engine, engine, idOf, rows, until } from "./support.js";

let db: Engine;
let database: Database;
beforeEach(async () => {
  db = await engine();
  database = new Database(db.pool);
});
afterEach(() => db.close());

const sql = (text: string, values?: unknown[]) => rows(db.pool, text, values);
const state = async (queue: string, topic = "user") => {
  const found = await sql(
    "select * from opinionated_events.queue_state where queue = $1 and topic = $2",
    [queue, topic],
  );
  return found[0];
};
const lag = async () => Number((await state("q")).lag);
const publish = (name: string, client: pg.ClientBase | pg.Pool = db.pool) =>
  client.query("select opinionated_events.publish($1, '1')", [name]);
const subscribe = (pattern: string, queue = "q") =>
  sql("select opinionated_events.subscribe($1, $2)", [queue, pattern]);

async function claim(limit: number): Promise<string[]> {
  const lease = { session: null, leaseMs: 60_000 };
  const batch = await claimBatch(database, "q", "user", limit, lease);
  return batch?.messages.map(({ message }) => message.id) ?? [];
}

async function transaction(): Promise<pg.PoolClient> {
  const client = await db.pool.connect();
  await client.query("begin");
  return client;
}

async function end(client: pg.PoolClient, how: "commit" | "rollback"): Promise<void> {
  await client.query(how);
  client.release();
}

describe("queue_state", () => {
  it("counts what is committed, wanted and unread", async () => {
    await publish("user.before");
    await subscribe("user.created");
    expect(await state("q")).toMatchObject({ lag: "0", oldest_unread_at: null });
    for (const name of ["user.created", "user.deleted", "order.placed", "user.created"])
      await publish(name);
    const undone = await transaction();
    await publish("user.created", undone);
    expect(await lag()).toBe(2);
    await end(undone, "rollback");
    expect(await state("q")).toMatchObject({ lag: "2", position: "1", head: "6" });
    expect(await claim(1)).toHaveLength(1);
    expect(await state("q")).toMatchObject({ lag: "1", position: "2", leased_batches: "1" });
    expect(await claim(10)).toHaveLength(1);
    expect(await state("q")).toMatchObject({ lag: "0", leased_batches: "2" });
  });

  it("counts what commits late, though later positions were read before", async () => {
    await subscribe("user.*");
    const [late, later] = [await transaction(), await transaction()];
    await publish("user.late", late);
    await publish("user.early");
    await claim(10);
    expect(await lag()).toBe(0);
    await end(late, "commit");
    expect(await lag()).toBe(1);
    await publish("user.later", later);
    await end(later, "commit");
    expect(await lag()).toBe(2);
    await claim(1);
    expect(await lag()).toBe(1);
    await claim(1);
    expect(await lag()).toBe(0);
  });

  it("counts what was in flight above all that had ended when its window was opened", async () => {
    await subscribe("user.*");
    const late = await transaction();
    await publish("user.early");
    await publish("user.late", late);
    expect(await claim(10)).toHaveLength(1);
    await end(late, "commit");
    expect(await lag()).toBe(1);
    expect(await claim(10)).toHaveLength(1);
    expect(await lag()).toBe(0);
  });

  it("does not take what an earlier cluster wrote for what is in flight under its number here", async () => {
    await subscribe("user.*");
    const open = await transaction();
    const [{ xid }] = (await open.query("select pg_current_xact_id() as xid")).rows;
    await sql(
      `insert into opinionated_events.message (xid, id, name, topic, payload)
       values ($1, gen_random_uuid(), 'user.old', 'user', '1')`,
      [xid],
    );
    await sql("select opinionated_events.rebase()");
    expect(await lag()).toBe(1);
    await publish("user.new");
    expect(await lag()).toBe(2);
    for (const left of [1, 0]) {
      expect(await claim(1)).toHaveLength(1);
      expect(await lag()).toBe(left);
    }
    await end(open, "commit");
    expect(await lag()).toBe(0);
  });

  it("agrees with what claims deliver, whatever is open, late, rolled back or rebased", async () => {
    await subscribe("user.*");
    const open: pg.PoolClient[] = [];
    const read = new Set<string>();
    let seed = 7;
    const random = (n: number) => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      return Math.floor((seed / 2 ** 31) * n);
    };
    const steps = [
      async () => open.length < 5 && open.push(await transaction()),
      async () => publish("user.created", open[random(open.length)]),
      async () => publish(["user.deleted", "other.made"][random(2)] as string, open[0]),
      async () => publish("user.created"),
      async () => publish("userx", open[random(open.length)]),
      async () => {
        const [client] = open.splice(random(open.length), 1);
        if (client) await end(client, random(4) === 0 ? "rollback" : "commit");
      },
      async () => {
        for (const id of await claim(1 + random(4))) read.add(id);
      },
    ];
    const counts = new Set<number>();
    for (let n = 0; n < 300; n += 1) {
      await steps[random(steps.length)]?.();
      if (n === 150) {
        for (const client of open.splice(0)) await end(client, "commit");
        await sql("select opinionated_events.rebase()");
      }
      const wanted = await sql(
        "select id, published_at from opinionated_events.message where name like 'user.%'",
      );
      const unread = wanted.filter(({ id }) => !read.has(id));
      const oldest = Math.min(...unread.map(({ published_at }) => published_at.getTime()));
      const found = await state("q");
      expect(Number(found.lag), `step ${n}`).toBe(unread.length);
      expect(found.oldest_unread_at?.getTime() ?? Number.POSITIVE_INFINITY).toBe(oldest);
      counts.add(unread.length);
    }
    for (const client of open) await end(client, "rollback");
    expect(counts.size).toBeGreaterThan(5);
  });

  it("stops counting at 10,000 messages", async () => {
    await subscribe("user.*");
    await sql(
      `insert into opinionated_events.message (id, name, topic, payload)
       select gen_random_uuid(), 'user.made', 'user', '1' from generate_series(1, 12000)`,
    );
    expect(await lag()).toBe(10_000);
  });

  it("shows where a queue of every topic stands, topic by topic", async () => {
    await subscribe("*");
    await publish("user.created");
    await sql("select opinionated_events.discover('{q}')");
    expect(await state("q", "*")).toMatchObject({ position: null, lag: null });
    expect(await state("q", "user")).toMatchObject({ position: "0", lag: "1" });
  });

  it("counts messages with a row of their own by their state, and shows the parked and the dead", async () => {
    const [hold, held] = [deferred(), deferred()];
    const receiver = db.receiver().on("q", "user.*", async ({ payload }) => {
      if (payload === "dead") throw fatal(new Error("never", { cause: "x" }));
      if (payload === "later") throw retryAfter(3_600_000, new Error("later"));
      if (payload === "held") held.resolve();
      if (payload === "held") await hold.promise;
    });
    await receiver.start();
    await subscribe("other.*");
    await sql(`
      select opinionated_events.publish('user.made', '"dead"', 'k', '{"h": "v"}'), opinionated_events.publish('user.made', '"later"'),
        opinionated_events.publish('user.made', '1', deliver_at => now() + interval '1 day'),
        opinionated_events.publish('other.made', '2')`);
    await until(async () =>
      expect(await state("q", "other")).toMatchObject({ parked: "1", leased_batches: "0" }),
    );
    await until(async () => {
      expect(await state("q")).toMatchObject({ scheduled: "1", retrying: "1", dead: "1" });
    });
    await sql(`select opinionated_events.publish('user.made', '"held"')`);
    await held.promise;
    expect(await state("q")).toMatchObject({ lag: "0", waiting: "0", leased_batches: "1" });
    hold.resolve();

    const [dead] = await sql("select * from opinionated_events.dead_letter");
    expect(dead).toMatchObject({
      queue: "q",
      topic: "user",
      name: "user.made",
      key: "k",
      payload: "dead",
      headers: { h: "v" },
      attempts: 1,
      reason_message: "never",
      reason_stack: expect.stringContaining("never"),
      died_at: expect.any(Date),
    });
    const [{ id }] = await sql(
      "select id from opinionated_events.message where name = 'other.made'",
    );
    const parked = await sql("select * from opinionated_events.parked");
    expect(parked.map(idOf)).toEqual([id]);
    expect(parked[0]).toMatchObject({ topic: "other", payload: 2, parked_at: expect.any(Date) });
  });
});
