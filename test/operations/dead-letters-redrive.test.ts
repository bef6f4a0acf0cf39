import type pg from "pg";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createMessage } from "../../src/message/create-message.js";
import type { DeadLetters } from "../../src/operations/dead-letters.js";
import type { LongOptions, Progress } from "../../src/operations/long-operation.js";
import type { PgPool } from "../../src/postgres/database.js";
import { fatal } from "../../src/receiver/failure.js";
import { intervalTrigger } from "../../src/source/postgres/trigger.js";
import { deliveries, type Engine, engine, rows, until } from "../postgres/support.js";
import { bury, deadLettersOf, several } from "./support.js";

let db: Engine;
let letters: DeadLetters;

beforeEach(async () => {
  db = await engine();
  letters = deadLettersOf(db.pool);
});
afterEach(() => db.close());

/** How often each id was handled. */
class Count {
  readonly #times = new Map<string, number>();

  add(id: string): void {
    this.#times.set(id, (this.#times.get(id) ?? 0) + 1);
  }

  get size(): number {
    return this.#times.size;
  }

  /** The numbers of times that occur. */
  get times(): number[] {
    return [...new Set(this.#times.values())];
  }
}

/** Options that stop an operation once it has done so many. */
function stopAfter(count: number): LongOptions {
  const controller = new AbortController();
  return {
    signal: controller.signal,
    onProgress: ({ done }: Progress) => done >= count && controller.abort(),
  };
}

/** A pool whose n-th redrive step is done, and its answer lost. */
function losing(pool: pg.Pool, nth: number): PgPool {
  let steps = 0;
  return {
    async connect() {
      const client = await pool.connect();
      return Object.assign(Object.create(client), {
        async query(config: { text: string }) {
          const result = await client.query(config);
          steps += config.text.includes("redrive_dead") ? 1 : 0;
          if (steps === nth) throw new Error("the answer was lost");
          return result;
        },
        release: () => client.release(),
      });
    },
  } as PgPool;
}

describe("a redrive", () => {
  it("gives each letter back once, although it is aborted, fails and is resumed", async () => {
    const count = new Count();
    await bury(db, several(5_000));
    await bury(db, several(10, { queue: "other" }));
    await db
      .receiver()
      .on("q", "user.*", ({ message }) => {
        count.add(message.id);
        throw fatal(new Error("again"));
      })
      .start();
    const stopped = await letters.redrive({ queue: "q" }, stopAfter(1_500));
    expect(stopped).toMatchObject({ done: 1_500, isComplete: false });

    // What was given back has died again before the rest is: it is not to be given back again.
    await until(() => expect(count.size).toBe(1_500));
    await until(async () => expect(await letters.count({ queue: "q" })).toBe(5_000));
    let told = stopped.resume;
    const failing = deadLettersOf(losing(db.pool, 3)).redrive(
      { queue: "q" },
      {
        resume: told,
        onProgress: ({ resume }) => {
          told = resume;
        },
      },
    );
    await expect(failing).rejects.toThrow("the answer was lost");
    await until(() => expect(count.size).toBe(3_000));
    await until(async () => expect(await letters.count({ queue: "q" })).toBe(5_000));

    const result = await letters.redrive({ queue: "q" }, { resume: told });
    expect(result).toMatchObject({ done: 4_500, isComplete: true });
    await until(() => expect(count.size).toBe(5_000));
    await until(async () => expect(await letters.count({ queue: "q" })).toBe(5_000));
    expect(count.times).toEqual([1]);
    const redriven = "select queue, redriven, count(*)::int from opinionated_events.delivery";
    expect(await rows(db.pool, `${redriven} group by 1, 2 order by 1`)).toEqual([
      { queue: "other", redriven: 0, count: 10 },
      { queue: "q", redriven: 1, count: 5_000 },
    ]);
  });

  it("gives each letter back once, although two are under way", async () => {
    await bury(db, several(2_000));
    const results = await Promise.all([1, 2, 3].map(() => letters.redrive({})));
    expect(results.reduce((sum, { done }) => sum + done, 0)).toBe(2_000);
    expect(
      await rows(db.pool, "select distinct redriven from opinionated_events.delivery"),
    ).toEqual([{ redriven: 1 }]);
  });

  it("begins the attempts anew, and keeps the history", async () => {
    const seen: number[] = [];
    let isMended = false;
    await db
      .receiver()
      .on("q", "user.*", ({ attempt }) => {
        seen.push(attempt);
        if (attempt < 2) throw new Error(`${isMended}`);
        if (!isMended) throw fatal(new Error("broken"));
        throw fatal(new Error("still"));
      })
      .start();
    const message = createMessage("user.created", 1);
    await db.publisher.publishOne(message);
    await until(async () => expect(await letters.count({})).toBe(1));
    isMended = true;
    await rows(db.pool, "update opinionated_events.delivery set lost = 3");
    await letters.redrive({ id: message.id });
    await until(async () => expect(await letters.count({})).toBe(1));
    expect(seen).toEqual([1, 2, 1, 2]);
    const letter = await letters.inspect("q", message.id);
    expect(letter).toMatchObject({ redriven: 1, reason: { message: "still" } });
    expect(letter?.attempts.map(({ attempt, message }) => [attempt, message])).toEqual([
      [1, "false"],
      [2, "broken"],
      [1, "true"],
      [2, "still"],
    ]);
    expect(await deliveries(db)).toMatchObject([{ lost: 0 }]);
  });

  it("wakes a receiver that is idle", async () => {
    const seen: string[] = [];
    const receiver = db
      .receiver({ triggers: [db.notify(), intervalTrigger(600_000)] })
      .on("q", "user.*", ({ message }) => seen.push(message.id));
    await receiver.start();
    const idle = "select last_value > 0 as is_idle from opinionated_events.idle_until";
    await until(async () => expect(await rows(db.pool, idle)).toEqual([{ is_idle: true }]));
    // What is committed first is found first: then its looks are over.
    await db.publisher.publishOne(createMessage("user.created", 1));
    await until(() => expect(seen).toHaveLength(1));
    const ids = await bury(db, several(1));
    await letters.redrive({});
    await until(() => expect(seen.slice(1)).toEqual(ids));
  });

  it("goes no faster than it is told", async () => {
    await bury(db, several(30));
    const steps: number[] = [];
    const controller = new AbortController();
    const { done } = await letters.redrive(
      {},
      {
        ratePerSecond: 10,
        signal: controller.signal,
        onProgress: ({ done }) => {
          steps.push(done);
          if (done > 0) setImmediate(() => controller.abort());
        },
      },
    );
    expect([done, steps]).toEqual([10, [0, 10]]);
  });
});

describe("a redrive of an ordered queue", () => {
  it("puts messages into their key's line, behind what runs and before what follows", async () => {
    const seen: string[] = [];
    let isMended = false;
    let goOn = () => {};
    const gate = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const receiver = db.receiver().queue("q", { ordered: true });
    receiver.on("q", "user.*", async ({ payload }) => {
      const { n } = payload as { n: string };
      seen.push(`begin ${n}`);
      if (n.startsWith("bad") && !isMended) throw fatal(new Error("no"));
      if (n === "slow") await gate;
      seen.push(`end ${n}`);
    });
    await receiver.start();
    const publish = (...names: string[]) =>
      db.publisher.publishMany(names.map((n) => createMessage("user.made", { n }, { key: "k" })));
    await publish("bad1", "bad2");
    await until(async () => expect(await letters.count({})).toBe(2));
    await publish("slow");
    await until(() => expect(seen.at(-1)).toBe("begin slow"));
    isMended = true;
    expect(await letters.redrive({ queue: "q" })).toMatchObject({ done: 2 });
    await publish("after1", "after2");
    expect((await deliveries(db)).slice(0, 2)).toMatchObject([
      { state: "held" },
      { state: "held" },
    ]);
    goOn();
    await until(() => expect(seen.at(-1)).toBe("end after2"));
    const runs = ["slow", "bad1", "bad2", "after1", "after2"];
    expect(seen.slice(2)).toEqual(runs.flatMap((n) => [`begin ${n}`, `end ${n}`]));
  });

  it("releases the first of a line that nobody holds, also through SQL", async () => {
    await rows(db.pool, "select opinionated_events.declare_queue('q', true)");
    await bury(db, [{ key: "k" }, { key: "k" }, { key: "j" }, {}]);
    const redrive = "select opinionated_events.redrive(queue => 'q', name => 'user.*') as done";
    expect(await rows(db.pool, redrive)).toEqual([{ done: 4 }]);
    const states = (await deliveries(db)).map(({ state, attempt }) => [state, attempt]);
    expect(states).toEqual([
      ["waiting", 0],
      ["held", 0],
      ["waiting", 0],
      ["waiting", 0],
    ]);
  });
});
