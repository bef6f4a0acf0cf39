import type { ChildProcess } from "node:child_process";
import pg from "pg";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createMessage } from "../../src/message/create-message.js";
import { intervalTrigger, notifyTrigger } from "../../src/source/postgres/trigger.js";
import { transaction } from "../../src/transaction/transaction.js";
import { withTx } from "../../src/transaction/with-tx.js";
import { hasPgBouncer, type PgBouncer, startPgBouncer } from "../support/pgbouncer.js";
import { testDatabase } from "../support/postgres.js";
import { deliveries, type Engine, engine, idOf, rows, until } from "./support.js";
import { kill, startWorker, type WorkerEvent } from "./worker-process.js";

describe.skipIf(!(await hasPgBouncer()))("behind PgBouncer in transaction mode", () => {
  let bouncer: PgBouncer;
  let db: Engine;
  let workers: ChildProcess[];
  const triggers = [intervalTrigger(50)];

  beforeEach(async () => {
    workers = [];
    const direct = await testDatabase();
    bouncer = await startPgBouncer(direct.url);
    const pool = new pg.Pool({ connectionString: bouncer.url });
    pool.on("error", () => {});
    await until(async () => {
      await rows(pool, "select");
    });
    const drop = async () => {
      await pool.end();
      await bouncer.stop();
      await direct.drop();
    };
    db = await engine({ url: bouncer.url, pool, drop });
  });
  afterEach(async () => {
    await Promise.all(workers.map(kill));
    await db.close();
  });

  it("publishes in transactions, receives, and retries, by the interval alone", async () => {
    const seen: string[] = [];
    const errors: unknown[] = [];
    for (const queue of ["a", "b"]) {
      await db
        .receiver({ triggers }, (error) => errors.push(error))
        .on(queue, "job.run", ({ message, attempt }) => {
          if (attempt < 3 && message.payload === 0) throw new Error("not yet");
          seen.push(`${queue} ${message.id}`);
        })
        .start();
    }
    const messages = Array.from({ length: 20 }, (_, n) => createMessage("job.run", n % 5));
    await Promise.all(
      messages.map((message) =>
        transaction(db.pool, async (tx) => {
          await db.publisher.publishOne(message, withTx(tx));
        }),
      ),
    );
    const wanted = ["a", "b"].flatMap((queue) => messages.map(({ id }) => `${queue} ${id}`));
    await until(() => expect(seen.toSorted()).toEqual(wanted.toSorted()));
    await until(async () =>
      expect(await rows(db.pool, "select from opinionated_events.lease")).toEqual([]),
    );
    await until(async () => expect(await deliveries(db)).toEqual([]));
    const ofSource = errors.filter((error) => (error as Error).message !== "not yet");
    expect(ofSource).toEqual([]);
  });

  it("takes over from a lost worker when its lease is over", async () => {
    const events: WorkerEvent[] = [];
    const options = { listens: false, leaseMs: 3_000 };
    const doomed = await startWorker(db.url, "doomed", events, options);
    workers.push(doomed);
    const messages = Array.from({ length: 40 }, () =>
      createMessage("job.run", { only: "doomed", act: "hang" }),
    );
    await db.publisher.publishMany(messages);
    await until(() =>
      expect(events).toContainEqual(expect.objectContaining({ worker: "doomed", event: "start" })),
    );
    workers.push(await startWorker(db.url, "other", events, options));
    await kill(doomed);
    const ended = () => new Set(events.filter(({ event }) => event === "end").map(idOf));
    await until(() => expect(ended()).toEqual(new Set(messages.map(idOf))));
  });

  it("refuses to listen", async () => {
    const receiver = db
      .receiver({ triggers: [notifyTrigger({ connectionString: bouncer.url })] })
      .on("q", "job.run", () => {});
    await expect(receiver.start()).rejects.toMatchObject({
      code: "LISTENER_FAILED",
      message: expect.stringContaining("not a pooler in transaction mode"),
    });
  });
});
