import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { expect, it } from "vitest";
import type { PublishResult } from "../../src/bridge/bridge.js";
import { createMessage } from "../../src/message/create-message.js";
import { Database } from "../../src/postgres/database.js";
import { sweep } from "../../src/postgres/takeover.js";
import { inTree } from "../support/in-tree.js";
import { engine, rows, until } from "./support.js";
import { kill } from "./worker-process.js";

const HOUR_MS = 3_600_000;

interface Report {
  readonly now: number;
  readonly date: string;
  readonly results: readonly PublishResult[];
  readonly errors: readonly string[];
}

async function report(child: ChildProcess): Promise<Report> {
  const [message] = await once(child, "message");
  return message as Report;
}

it.concurrent.for([
  ["fast", HOUR_MS],
  ["slow", -HOUR_MS],
] as const)(
  "a process whose clock is an hour %s is neither early nor late, and keeps its leases",
  async ([, shiftMs], { onTestFinished }) => {
    const db = await engine();
    onTestFinished(() => db.close());
    await rows(
      db.pool,
      "create table seen (name text, attempt int, at timestamptz default clock_timestamp())",
    );
    const [{ start }] = await rows(db.pool, "select clock_timestamp()::text as start");
    const child = fork(inTree("test/postgres/shifted-process.js"), [db.url], {
      execArgv: ["--import", inTree("test/postgres/shifted-clock.js")],
      stdio: ["ignore", "ignore", "inherit", "ipc"],
      env: { ...process.env, CLOCK_SHIFT_MS: String(shiftMs) },
    });
    onTestFinished(() => kill(child));

    const { now, date, results } = await report(child);
    for (const time of [now, Date.parse(date)]) {
      expect(Math.abs(time - Date.now() - shiftMs)).toBeLessThan(HOUR_MS / 2);
    }
    const status = results.map((result) => result.status);
    expect(status).toEqual([...Array(5).fill("stored"), "duplicate"]);
    const same = createMessage("clock.once", 3, { dedupKey: "k" });
    expect(await db.publisher.publishOne(same)).toMatchObject({ status: "duplicate" });

    // Its lease is over twice while it runs, unless it is renewed; nobody may take the message over.
    const isOver = `select count(*)::int as n from seen where name = 'clock.long' and at + interval '6 s' < clock_timestamp()`;
    const queue = new Database(db.pool);
    await until(async () => {
      expect(await sweep(queue, ["q"], 0)).toMatchObject({ taken: 0 });
      expect(await rows(db.pool, isOver)).toEqual([{ n: 1 }]);
    });
    const leases =
      "select expires_at - clock_timestamp() <= interval '3 s' as is_short from opinionated_events.lease";
    expect(await rows(db.pool, leases)).toEqual([{ is_short: true }]);
    child.send("go on");
    expect((await report(child)).errors).toEqual([expect.stringContaining("once")]);

    const attempts = await rows(
      db.pool,
      `select name, array_agg(attempt order by at) as attempts,
       bool_and(published_at between $1 and at and at >= coalesce(deliver_at, published_at)) as is_in_time
     from seen join opinionated_events.message using (name) group by name order by name`,
      [start],
    );
    expect(attempts).toEqual([
      { name: "clock.delayed", attempts: [1], is_in_time: true },
      { name: "clock.failing", attempts: [1, 2], is_in_time: true },
      { name: "clock.long", attempts: [1], is_in_time: true },
      { name: "clock.once", attempts: [1], is_in_time: true },
      { name: "clock.plain", attempts: [1], is_in_time: true },
    ]);
    const [waits] = await rows(
      db.pool,
      `select (select max(at) - min(at) >= interval '500 ms' from seen where name = 'clock.failing') as retry,
       (select deliver_at - published_at >= interval '999 ms' from opinionated_events.message where name = 'clock.delayed') as delay`,
    );
    expect(waits).toEqual({ retry: true, delay: true });
  },
);
