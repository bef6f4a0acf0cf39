import type pg from "pg";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createMessage } from "../../src/message/create-message.js";
import type { DeadLetterFilter, DeadLetters } from "../../src/operations/dead-letters.js";
import { fatal } from "../../src/receiver/failure.js";
import { scansOf } from "../engine/explain.js";
import { type Engine, engine, idOf, rows, until } from "../postgres/support.js";
import { bury, deadLettersOf, several } from "./support.js";

let db: Engine;
let letters: DeadLetters;

beforeEach(async () => {
  db = await engine();
  letters = deadLettersOf(db.pool);
});
afterEach(() => db.close());

describe("a dead letter", () => {
  it("has its message, why it was given up, and every attempt", async () => {
    const receiver = db.receiver().on("q", "user.*", async ({ attempt }) => {
      if (attempt < 3) throw Object.assign(new Error(`no ${attempt}`), { code: `E${attempt}` });
      throw fatal(new Error("never"));
    });
    await receiver.start();
    const message = createMessage("user.created", { n: 1 }, { key: "k", headers: { h: "v" } });
    await db.publisher.publishOne(message);
    await until(async () => expect(await letters.count({})).toBe(1));
    const { letters: all, next } = await letters.list({});
    expect(next).toBeUndefined();
    const [letter] = all;
    expect(letter).toMatchObject({
      queue: "q",
      reason: { code: "FATAL", message: "never", stack: expect.stringContaining("Error: never") },
      redriven: 0,
      attempts: [
        { attempt: 1, code: "E1", message: "no 1" },
        { attempt: 2, code: "E2", message: "no 2" },
        { attempt: 3, code: "FATAL", message: "never" },
      ],
    });
    const { id, name, key, payload, headers } = letter?.message ?? {};
    expect({ id, name, key, payload, headers }).toEqual({
      id: message.id,
      name: "user.created",
      key: "k",
      payload: { n: 1 },
      headers: { h: "v" },
    });
    const times = letter?.attempts.flatMap(({ beganAt, failedAt }) => [beganAt, failedAt]) ?? [];
    const ms = [...times, letter?.diedAt].map((time) => Number(time));
    expect(ms).toHaveLength(7);
    expect(ms).toEqual([...ms].sort((a, b) => a - b));
    expect(await letters.inspect("q", message.id)).toEqual(letter);
    expect(await letters.inspect("other", message.id)).toBeUndefined();
  });

  it("keeps its last twenty attempts, and the beginnings of long texts", async () => {
    const [id = ""] = await bury(db, several(1));
    const history = "opinionated_events.add_failure(failures, n, null, $1)";
    for (let n = 1; n <= 25; n += 1) {
      const reason = JSON.stringify({ code: "X", message: "x".repeat(2_000) });
      await rows(
        db.pool,
        `update opinionated_events.delivery set failures = ${history.replace("n,", `${n},`)}`,
        [reason],
      );
    }
    const { attempts = [] } = (await letters.inspect("q", id)) ?? {};
    expect(attempts.map(({ attempt }) => attempt)).toEqual(
      Array.from({ length: 20 }, (_, n) => n + 6),
    );
    expect(attempts[0]).toMatchObject({ beganAt: undefined, message: "x".repeat(1_000) });
  });
});

describe("a filter", () => {
  const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute));
  const burials = [
    { queue: "a", name: "user.created", key: "1", code: "X", diedAt: at(1) },
    { queue: "a", name: "user.deleted", key: "2", code: "Y", diedAt: at(2) },
    { queue: "a", name: "shop.opened", diedAt: at(3) },
    { queue: "ab", name: "user.created", key: "1", code: "it's", diedAt: at(4) },
  ];
  const cases: [DeadLetterFilter, number[]][] = [
    [{}, [0, 1, 2, 3]],
    [{ queue: "a" }, [0, 1, 2]],
    [{ queue: "b" }, []],
    [{ topic: "user" }, [0, 1, 3]],
    [{ name: "user.*" }, [0, 1, 3]],
    [{ name: "user.created" }, [0, 3]],
    [{ name: "*" }, [0, 1, 2, 3]],
    [{ key: "1" }, [0, 3]],
    [{ code: "it's" }, [3]],
    [{ diedAfter: at(2) }, [1, 2, 3]],
    [{ diedBefore: at(2) }, [0]],
    [{ queue: "a", key: "1", code: "X", name: "user.*", topic: "user", diedBefore: at(9) }, [0]],
  ];

  it("finds what all of its members fit", async () => {
    const ids = await bury(db, burials);
    const all: typeof cases = [
      ...cases,
      [{ id: ids[1] as string }, [1]],
      [{ queue: "ab", id: ids[1] as string }, []],
    ];
    for (const [filter, expected] of all) {
      const found = await letters.list(filter, { order: "oldest" });
      const text = JSON.stringify(filter);
      expect(
        found.letters.map(({ message }) => ids.indexOf(message.id)),
        text,
      ).toEqual(expected);
      expect(await letters.count(filter), text).toBe(expected.length);
    }
  });

  it.each([
    [{ queu: "a" }, "INVALID_OPTIONS"],
    [{ queue: undefined }, "INVALID_OPTIONS"],
    [{ name: "user*" }, "INVALID_PATTERN"],
    [{ id: "1" }, "INVALID_ID"],
    [{ diedAfter: new Date(Number.NaN) }, "INVALID_TIME"],
  ])("is refused, in every operation, if it is %o", async (filter, code) => {
    await bury(db, several(1));
    const bad = filter as DeadLetterFilter;
    for (const what of ["list", "count", "redrive", "purge"] as const)
      await expect(letters[what](bad)).rejects.toMatchObject({ code });
    expect(await letters.count({})).toBe(1);
  });
});

describe("a list", () => {
  it.each(["newest", "oldest"] as const)("goes on where a page ended, %s first", async (order) => {
    const ids = await bury(db, several(7));
    const first = await letters.list({ queue: "q" }, { limit: 3, order });
    const added = await bury(db, several(1));
    const rest: string[] = [];
    let { next } = first;
    while (next !== undefined) {
      const page = await letters.list({ queue: "q" }, { limit: 3, order, after: next });
      rest.push(...page.letters.map(({ message }) => message.id));
      next = page.next;
    }
    const seen = [...first.letters.map(({ message }) => idOf(message)), ...rest];
    expect(seen).toEqual(order === "newest" ? ids.toReversed() : [...ids, ...added]);
  });

  it("refuses a page that can't be", async () => {
    for (const page of [{ limit: 0 }, { limit: 1_001 }, { after: "x" }, { order: "best" as never }])
      await expect(letters.list({}, page)).rejects.toMatchObject({ code: "INVALID_OPTIONS" });
  });

  it("looks at the dead alone, and at those of the queue", async () => {
    await rows(db.pool, "alter table opinionated_events.delivery set (autovacuum_enabled = false)");
    await rows(
      db.pool,
      `insert into opinionated_events.delivery (queue, topic, position, name, id, payload, published_at, state, due_at, attempt)
       select 'q', 't', n, 't.x', gen_random_uuid(), '1', now(), 'waiting', now(), 0 from generate_series(1000, 20000) n`,
    );
    await bury(db, several(300, { queue: "other" }));
    const [id] = await bury(db, several(3));
    const filters = [{}, { queue: "q" }, { id }, { queue: "q", id }];
    const statements = filters.flatMap((filter) => {
      const json = `'${JSON.stringify(filter)}'`;
      return [
        `select opinionated_events.list_dead(${json}, 0, 999999, true, 2)`,
        `select opinionated_events.count_dead(${json})`,
        `select opinionated_events.redrive_dead(${json}, 0, 0, 2)`,
        `select opinionated_events.purge_dead(${json}, 0, 0, 2)`,
        `select opinionated_events.redrive_dead(${json}, 300, 999999, 2)`,
      ];
    });
    const session = await db.pool.connect();
    try {
      for (const statement of statements) await expectFew(session, statement);
    } finally {
      session.release(true);
    }
  });

  /** By an index of the dead, and no more rows than were asked for, or fit. */
  async function expectFew(session: pg.PoolClient, statement: string): Promise<void> {
    const scans = await scansOf(session, /^delivery$/, statement);
    expect(scans, statement).not.toEqual([]);
    const most = statement.includes("count_dead('{}')") ? 303 : 3;
    for (const { node } of scans) {
      expect(node["Index Name"], statement).toMatch(/^delivery_(dead|dead_queue|dead_id|pkey)$/);
      const { "Actual Rows": found = 0, "Rows Removed by Filter": removed = 0 } = node;
      expect(found + removed, statement).toBeLessThanOrEqual(most);
    }
  }
});

describe("purge", () => {
  it("deletes what fits and was dead when it began, also when it is stopped and resumed", async () => {
    await bury(db, several(1_200));
    const kept = await bury(db, several(2, { queue: "other" }));
    const controller = new AbortController();
    const stopped = await letters.purge(
      { queue: "q" },
      { signal: controller.signal, onProgress: ({ done }) => done > 0 && controller.abort() },
    );
    expect(stopped).toMatchObject({ done: 500, isComplete: false });
    kept.push(...(await bury(db, several(1))));
    const result = await letters.purge({ queue: "q" }, { resume: stopped.resume });
    expect(result).toMatchObject({ done: 1_200, isComplete: true });
    const left = (await letters.list({}, { order: "oldest" })).letters;
    expect(left.map(({ message }) => message.id)).toEqual(kept);
  });
});

describe("resume", () => {
  it("is refused for another operation, another filter, and with another text", async () => {
    await bury(db, several(3));
    const { resume } = await letters.redrive({ queue: "x" });
    const garbled = resume.replace(/"bound":"\d+"/, '"bound":"1;"');
    expect(garbled).not.toBe(resume);
    for (const wrong of [
      letters.redrive({ queue: "q" }, { resume }),
      letters.redrive({}, { resume }),
      letters.purge({ queue: "x" }, { resume }),
      letters.redrive({ queue: "x" }, { resume: garbled }),
    ])
      await expect(wrong).rejects.toMatchObject({ code: "INVALID_OPTIONS" });
    expect(await letters.count({})).toBe(3);
  });
});
