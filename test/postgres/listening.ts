import { randomUUID } from "node:crypto";
import type pg from "pg";
import { expect } from "vitest";
import { createMessage } from "../../src/message/create-message.js";
import type { Receiver } from "../../src/receiver/receiver.js";
import { intervalTrigger, notifyTrigger } from "../../src/source/postgres/trigger.js";
import { startProxy } from "../support/proxy.js";
import { engine, rows, until } from "./support.js";

export const NAME = "job.run";

/** Longer than any test: what is handled was woken. */
export const INTERVAL = intervalTrigger(600_000);

/** An engine whose receiver listens through a proxy that can fail; its pool connects directly. */
export async function listening(given?: Parameters<typeof engine>[0]) {
  const db = await engine(given);
  const { hostname: host, port } = new URL(db.url);
  const proxy = await startProxy({ host, port: Number(port || 5432) });
  const proxied = Object.assign(new URL(db.url), { host: `127.0.0.1:${proxy.port}` }).href;
  const seen: unknown[] = [];
  const errors: unknown[] = [];

  const publish = (payload: unknown) => db.publisher.publishOne(createMessage(NAME, payload));
  return {
    db,
    proxy,
    proxied,
    /** Payloads that were handled. */
    seen,
    errors,
    publish,
    receiver(pool: pg.Pool = db.pool, gate: Promise<void> = Promise.resolve()): Receiver {
      const triggers = [notifyTrigger({ connectionString: proxied }), INTERVAL];
      // A claim whose answer is lost in a black hole waits for the end of its lease.
      const leaseMs = 3_000;
      const receiver = db.receiver({ pool, triggers, leaseMs }, (error) => errors.push(error));
      return receiver.on("q", NAME, async ({ payload }) => {
        await gate;
        seen.push(payload);
      });
    },
    /** More than one message: a look that is under way could find the first. */
    async expectWakeUps(): Promise<void> {
      for (const n of [1, 2, 3]) {
        const payload = `${n} ${randomUUID()}`;
        await publish(payload);
        await until(() => expect(seen).toContain(payload));
      }
    },
    /** The processes of the listening sessions that the server has. */
    async sessions(): Promise<number[]> {
      const found = await rows(
        db.pool,
        `select pid from pg_stat_activity
         where application_name like 'opinionated-events %' and datname = current_database()`,
      );
      return found.map(({ pid }) => pid);
    },
    async close(): Promise<void> {
      proxy.up();
      await db.close();
      await proxy.close();
    },
  };
}

export type Listening = Awaited<ReturnType<typeof listening>>;
