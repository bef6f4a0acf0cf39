import pg from "pg";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createMessage } from "../../src/message/create-message.js";
import { migrate } from "../../src/postgres/migrate.js";
import { deferred } from "../receiver/support.js";
import { type Engine, engine, rows, until } from "./support.js";

let db: Engine;
let errors: unknown[];
beforeEach(async () => {
  db = await engine();
  errors = [];
});
afterEach(async () => {
  await db.close();
});

const exhausted = expect.objectContaining({ code: "POOL_EXHAUSTED" });

function poolOf(max: number, options: pg.PoolConfig = {}): pg.Pool {
  const pool = new pg.Pool({ connectionString: db.url, max, ...options });
  pool.on("error", () => {});
  return pool;
}

/** Takes every connection of the pool; resolves with what gives them back. */
async function occupy(pool: pg.Pool): Promise<() => void> {
  const clients = await Promise.all(
    Array.from({ length: pool.options.max }, async () => pool.connect()),
  );
  return () => {
    for (const client of clients) client.release();
  };
}

function receiver(pool: pg.Pool) {
  return db.receiver({ pool }, (error) => errors.push(error));
}

describe("a pool whose connections are all in use", () => {
  it.each([
    ["with a limit of its own", { connectionTimeoutMillis: 300 }],
    ["without one", {}],
  ])(
    "is reported, and the receiver goes on when some come free: %s",
    { timeout: 60_000 },
    async (_, options) => {
      const pool = poolOf(3, options);
      const seen: unknown[] = [];
      const started = receiver(pool).on("q", "job.run", ({ payload }) => seen.push(payload));
      await started.start();
      const free = await occupy(pool);
      await db.publisher.publishOne(createMessage("job.run", 1));
      await until(() => expect(errors).toContainEqual(exhausted));
      expect(seen).toEqual([]);
      free();
      await until(() => expect(seen).toEqual([1]));
      await until(async () =>
        expect(await rows(db.pool, "select from opinionated_events.lease")).toEqual([]),
      );
      await started.stop();
      await until(() => expect(pool.idleCount).toBe(pool.totalCount));
      await pool.end();
    },
  );

  it("refuses the start, and migrate", async () => {
    const pool = poolOf(1, { connectionTimeoutMillis: 100 });
    const free = await occupy(pool);
    const waiting = receiver(pool).on("q", "job.run", () => {});
    await expect(waiting.start()).rejects.toMatchObject({ code: "POOL_EXHAUSTED" });
    await expect(migrate(pool)).rejects.toMatchObject({ code: "POOL_EXHAUSTED" });
    free();
    await waiting.start();
    await waiting.stop();
    await pool.end();
  });

  it("retries a transactional handler that finds none", async () => {
    const pool = poolOf(3, { connectionTimeoutMillis: 300 });
    const [claimed, entered] = [deferred(), deferred()];
    let attempts = 0;
    const waiting = receiver(pool)
      .use(async (_, next) => {
        claimed.resolve();
        await entered.promise;
        await next();
      })
      .on(
        "q",
        "job.run",
        () => {
          attempts += 1;
        },
        { transactional: true },
      );
    await waiting.start();
    await db.publisher.publishOne(createMessage("job.run", 1));
    await claimed.promise;
    const free = await occupy(pool);
    entered.resolve();
    await until(() => expect(errors).toContainEqual(exhausted));
    free();
    await until(() => expect(attempts).toBe(1));
    await waiting.stop();
    await pool.end();
  });

  it("does not stop transactional handlers that use the pool besides", async () => {
    const pool = poolOf(3);
    const seen: unknown[] = [];
    const busy = receiver(pool).on(
      "q",
      "job.run",
      async ({ payload, tx }) => {
        await tx.query("select");
        await pool.query("select");
        seen.push(payload);
      },
      { transactional: true },
    );
    await busy.start();
    const payloads = Array.from({ length: 50 }, (_, n) => n);
    await db.publisher.publishMany(payloads.map((n) => createMessage("job.run", n)));
    await until(() => expect(seen).toHaveLength(payloads.length));
    expect(errors).toEqual([]);
    await busy.stop();
    await pool.end();
  });
});
