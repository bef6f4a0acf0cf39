import pg from "pg";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createMessage } from "../../src/message/create-message.js";
import type { Message } from "../../src/message/message.js";
import type { PgPool } from "../../src/postgres/database.js";
import type { TransactionalContext } from "../../src/receiver/handler.js";
import { intervalTrigger } from "../../src/source/postgres/trigger.js";
import type { SqlClient } from "../../src/transaction/sql-client.js";
import { withTx } from "../../src/transaction/with-tx.js";
import { deferred } from "../receiver/support.js";
import { watchedPool } from "../support/watched-pool.js";
import { deliveries, type Engine, engine, idOf, rows, until } from "./support.js";

let db: Engine;
let errors: unknown[];
beforeEach(async () => {
  db = await engine();
  errors = [];
  // No unique constraint, so that a repetition shows.
  await db.pool.query("create table effect (id uuid, text text)");
});
afterEach(() => db.close());

const write = (tx: SqlClient, { id }: Message, text = "") =>
  tx.query("insert into effect values ($1, $2)", [id, text]);
const effects = async () => (await rows(db.pool, "select id from effect")).map(idOf);

async function publish(count: number): Promise<string[]> {
  const messages = Array.from({ length: count }, (_, n) => createMessage("job.run", n));
  await db.publisher.publishMany(messages);
  return messages.map(idOf);
}

type Act = (context: TransactionalContext) => unknown;

async function start(act: Act, options: Parameters<Engine["receiver"]>[0] = {}) {
  const receiver = db.receiver(options, (error) => errors.push(error));
  receiver.on("q", "job.run", act, { transactional: true });
  await receiver.start();
  return receiver;
}

async function expectOnce(ids: readonly string[]): Promise<void> {
  await until(async () => {
    expect((await effects()).toSorted()).toEqual(ids.toSorted());
    expect(await rows(db.pool, "select from opinionated_events.lease")).toEqual([]);
    expect(await deliveries(db)).toEqual([]);
    expect(await rows(db.pool, "select from opinionated_events.inbox")).toEqual([]);
  });
}

describe("a transactional handler", () => {
  it("commits what it writes and publishes with the acknowledgement, and wakes who waits for it", async () => {
    const seen: unknown[] = [];
    const waiting = db.receiver({ triggers: [db.notify(), intervalTrigger(60_000)] });
    await waiting.on("mail", "job.ended", ({ payload }) => seen.push(payload)).start();
    await start(async ({ message, tx }) => {
      await write(tx, message);
      await db.publisher.publishOne(createMessage("job.ended", message.id), withTx(tx));
    });
    const ids = await publish(30);
    await expectOnce(ids);
    await until(() => expect(seen.toSorted()).toEqual(ids.toSorted()));
    expect(errors).toEqual([]);
  });

  it("leaves nothing of an attempt that failed", async () => {
    await start(async ({ message, attempt, tx }) => {
      await write(tx, message);
      await db.publisher.publishOne(createMessage("job.ended", attempt), withTx(tx));
      if (attempt < 3) throw new Error("not yet");
    });
    await expectOnce(await publish(5));
    const ended = await rows(
      db.pool,
      "select payload from opinionated_events.message where name = 'job.ended'",
    );
    expect(ended.map(({ payload }) => payload)).toEqual([3, 3, 3, 3, 3]);
  });

  it("may use savepoints", async () => {
    await start(async ({ message, tx }) => {
      await tx.query("savepoint one");
      await write(tx, message);
      await tx.query("rollback to savepoint one");
      await tx.query("savepoint two");
      await write(tx, message);
    });
    await expectOnce(await publish(1));
    expect(errors).toEqual([]);
  });

  it("is tried again if it swallows the error of a statement", async () => {
    await start(async ({ message, attempt, tx }) => {
      await write(tx, message);
      if (attempt === 1) await tx.query("select 1/0").catch(() => {});
    });
    await expectOnce(await publish(1));
    expect(errors).toMatchObject([{ code: "TRANSACTION_ABORTED" }]);
  });

  it.each(["commit", "rollback", "commit; begin", "rollback and chain"])(
    "is not acknowledged if it ends the transaction itself: %s",
    async (end) => {
      await start(async ({ message, attempt, tx }) => {
        if (attempt === 1) await tx.query(end);
        await write(tx, message);
      });
      const ids = await publish(1);
      await until(() => expect(errors).toMatchObject([{ code: "TRANSACTION_ENDED" }]));
      await until(async () => expect(await deliveries(db)).toEqual([]));
      // The first attempt wrote outside of any transaction, where it had begun none.
      const count = /begin|chain/.test(end) ? 1 : 2;
      await expectOnce(Array.from({ length: count }, () => ids[0] ?? ""));
    },
  );

  it("is tried again if the commit fails", async () => {
    await db.pool.query("create table once (id int unique deferrable initially deferred)");
    await db.pool.query("insert into once values (1)");
    await start(async ({ message, attempt, tx }) => {
      await write(tx, message);
      if (attempt === 1) await tx.query("insert into once values (1)");
    });
    await expectOnce(await publish(1));
    expect(errors).toMatchObject([{ code: "23505" }]);
  });

  it("is tried again if its connection is lost", async () => {
    await start(async ({ message, attempt, tx }) => {
      await write(tx, message);
      const { rows } = await tx.query("select pg_backend_pid() as pid");
      if (attempt === 1) await db.pool.query("select pg_terminate_backend($1)", [rows[0].pid]);
    });
    await expectOnce(await publish(3));
    expect(errors).toHaveLength(3);
  });

  it("does not run again if only the answer to the commit was lost, in a batch or as a delivery", async () => {
    const attempts: number[] = [];
    const pool = losingAnswers(db.pool);
    await start(
      async ({ message, payload, attempt, tx }) => {
        attempts.push(attempt);
        await write(tx, message);
        if (payload === 1 && attempt === 1) throw new Error("not yet");
      },
      { pool },
    );
    await expectOnce(await publish(2));
    expect(attempts.toSorted()).toEqual([1, 1, 2]);
    expect(errors.map(String).toSorted()).toEqual([
      "Error: not yet",
      "Error: the answer is lost",
      "Error: the answer is lost",
    ]);
  });

  it("is undone, and its message done, if another transaction has handled that meanwhile", async () => {
    const handled = deferred();
    await start(async ({ message, tx }) => {
      await write(tx, message);
      await db.pool.query(
        `insert into opinionated_events.inbox select l.queue, m.position, l.topic, l.seq
         from opinionated_events.message m, opinionated_events.lease l where m.id = $1`,
        [message.id],
      );
      handled.resolve();
    });
    await publish(1);
    await handled.promise;
    await expectOnce([]);
    expect(errors).toEqual([]);
  });

  it("is rolled back when its time is over, although it goes on", async () => {
    const gate = deferred();
    const receiver = db.receiver({}, (error) => errors.push(error));
    receiver.on(
      "q",
      "job.run",
      async ({ message, attempt, tx }) => {
        await write(tx, message);
        if (attempt === 1) await gate.promise;
      },
      { transactional: true, timeoutMs: 1_000 },
    );
    await receiver.start();
    const ids = await publish(1);
    await expectOnce(ids);
    gate.resolve();
    await until(() => expect(db.pool.idleCount).toBe(db.pool.totalCount));
    await expectOnce(ids);
    expect(errors).toMatchObject([{ code: "HANDLER_TIMEOUT" }]);
  });

  it("is rolled back if the lease was lost, and handled by whoever has it now", async () => {
    await start(async ({ message, attempt, tx }) => {
      await write(tx, message);
      if (attempt > 1) return;
      await db.pool.query("update opinionated_events.lease set expires_at = '-infinity'");
      await db.pool.query("select opinionated_events.sweep('{q}', 0)");
    });
    await expectOnce(await publish(1));
    expect(errors).toContainEqual(expect.objectContaining({ code: "LEASE_LOST" }));
  });

  it("works in any schema", async () => {
    const schema = "else_where";
    const other = await engine({ ...db, drop: async () => {} }, schema);
    await other
      .receiver()
      .on("q", "job.run", ({ message, tx }) => write(tx, message), { transactional: true })
      .start();
    const message = createMessage("job.run", {});
    await other.publisher.publishOne(message);
    await until(async () => expect(await effects()).toEqual([message.id]));
    await until(async () => expect(await rows(db.pool, `select from ${schema}.inbox`)).toEqual([]));
    await other.close();
  });
});

function poolOf(max: number): pg.Pool {
  const pool = new pg.Pool({ connectionString: db.url, max });
  pool.on("error", () => {}); // ending it resolves before its sockets are closed
  return pool;
}

describe("a pool for transactional handlers", () => {
  it.each([1, 2])(
    "is refused if it has %i connections, before anything is subscribed",
    async (max) => {
      const pool = poolOf(max);
      const starting = start(() => {}, { pool });
      await expect(starting).rejects.toMatchObject({
        code: "INVALID_OPTIONS",
        message: expect.stringContaining("at least 3"),
      });
      expect(await rows(db.pool, "select from opinionated_events.queue")).toEqual([]);
      await pool.end();
    },
  );

  it("keeps two connections for everything else", async () => {
    const pool = poolOf(4);
    const running = { now: 0, most: 0 };
    const receiver = await start(
      async ({ message, tx }) => {
        running.now += 1;
        running.most = Math.max(running.most, running.now);
        await write(tx, message);
        await tx.query("select pg_sleep(0.01)");
        running.now -= 1;
      },
      { pool },
    );
    await expectOnce(await publish(20));
    expect(running.most).toBe(2);
    await receiver.stop();
    await pool.end();
  });
});

/** The answers to the first two commits of a handler are lost; they happen. */
function losingAnswers(pool: pg.Pool): PgPool {
  let lost = 0;
  return watchedPool(pool, async (text, run) => {
    const result = await run();
    if (!text.endsWith("; commit") || lost === 2) return result;
    lost += 1;
    throw new Error("the answer is lost");
  });
}
