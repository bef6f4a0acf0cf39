import { randomUUID } from "node:crypto";
import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { defineEvent } from "../../src/message/event.js";
import type { Message } from "../../src/message/message.js";
import { StoredMessage } from "../../src/message/stored-message.js";
import type { Handler, Middleware } from "../../src/receiver/handler.js";
import { withLimit } from "../../src/receiver/middleware/limit.js";
import type { Receiver } from "../../src/receiver/receiver.js";
import { deliveries, type Engine, engine, rows, until } from "../postgres/support.js";

/** A row of the log, written past our own checks. */
interface Row {
  name?: string;
  payload?: string;
  headers?: string;
  key?: string;
  published_at?: string;
  deliver_at?: string;
}

let db: Engine;
beforeAll(async () => {
  db = await engine();
});
afterAll(() => db.close());

/** Inserts the row into a topic of its own, and a good message after it. */
async function insert(topic: string, row: Row): Promise<void> {
  const insertRow = ({ name, payload = "1", headers, key, published_at, deliver_at }: Row) =>
    db.pool.query(
      `insert into opinionated_events.message
         (id, topic, name, payload, headers, key, published_at, deliver_at)
       values ($1, $2, $3, $4, $5, $6, coalesce($7::timestamptz, now()), $8)`,
      [randomUUID(), topic, name, payload, headers, key, published_at, deliver_at],
    );
  await insertRow({ name: `${topic}.bad`, ...row });
  await insertRow({ name: `${topic}.good` });
}

/** What the queue of a topic has left over, which is all that its handlers have not done. */
async function leftOf(topic: string) {
  return (await deliveries(db)).filter(({ queue }) => queue === topic);
}

/** Runs a handler that fails each message once, until both messages are done or dead. */
async function receive(
  topic: string,
  row: Row,
  read: (message: Message) => unknown = () => {},
  ...middleware: Middleware[]
) {
  await insert(topic, row);
  const done: Message[] = [];
  const handler = failOnce(done, read);
  await run(db.receiver().on(topic, "*", handler, { topic, middleware }), topic, done);
  return { done, dead: await leftOf(topic) };
}

function failOnce(done: Message[], read: (message: Message) => unknown): Handler {
  return ({ message, attempt }) => {
    read(message);
    if (attempt === 1) throw new Error("once");
    done.push(message);
  };
}

async function run(receiver: Receiver, topic: string, done: readonly Message[]): Promise<void> {
  await receiver.queue(topic, { startAt: "earliest" }).start();
  await until(async () => {
    const left = await leftOf(topic);
    expect(done.length + left.length).toBe(2);
    expect(left.every(({ state }) => state === "dead" || state === "parked")).toBe(true);
  });
  await receiver.stop();
}

describe("a row that was stored past our checks", () => {
  const deep = "[".repeat(3_000) + "]".repeat(3_000);

  it.each<[string, Row, unknown]>([
    ["nul", { payload: '{"a":"\\u0000"}' }, { a: "\0" }],
    ["surrogate", { payload: '"\\ud800"' }, "\ud800"],
    ["proto", { payload: '{"__proto__":{"a":1}}' }, JSON.parse('{"__proto__":{"a":1}}')],
    ["twice", { payload: '{"a": 1,\n "a": 2}' }, { a: 2 }],
    ["digits", { payload: "12345678901234567890" }, 12345678901234567000],
    ["deep", { payload: deep }, JSON.parse(deep)],
    ["name", { name: "a name with \u{1f600} and\nlines" }, 1],
    ["bytes", { payload: '"aGk="', headers: '{"content-type":"text/plain"}' }, { 0: 104, 1: 105 }],
    ["key", { key: "" }, 1],
    ["early", { deliver_at: "-infinity" }, 1],
  ])("is handled and retried where it can be read: %s", async (topic, row, payload) => {
    const { done, dead } = await receive(topic, row);
    expect(dead).toEqual([]);
    const bad = done.find(({ name }) => name !== `${topic}.good`);
    expect(bad?.json).toBe(row.payload ?? "1");
    expect(JSON.stringify(bad?.payload)).toBe(JSON.stringify(payload));
  });

  it.each<[string, Row, string, string]>([
    ["headers-array", { headers: "[]" }, "INVALID_HEADERS", "stored headers"],
    ["headers-text", { headers: '"a"' }, "INVALID_HEADERS", "stored headers"],
    ["headers-null", { headers: "null" }, "INVALID_HEADERS", "stored headers"],
    ["header-number", { headers: '{"a":1}' }, "INVALID_HEADERS", 'value of header "a"'],
    ["header-nul", { headers: '{"a":"\\u0000"}' }, "INVALID_HEADERS", 'value of header "a"'],
    [
      "text",
      { payload: '"hello"', headers: '{"content-type":"text/plain"}' },
      "INVALID_PAYLOAD",
      'content-type "text/plain"',
    ],
    [
      "object",
      { payload: '{"a":1}', headers: '{"content-type":"image/png"}' },
      "INVALID_PAYLOAD",
      "must be base64",
    ],
  ])("is dead at once where it can't: %s", async (topic, row, code, text) => {
    const { done, dead } = await receive(topic, row);
    expect(done.map(({ name }) => name)).toEqual([`${topic}.good`]);
    expect(dead).toMatchObject([{ name: `${topic}.bad`, state: "dead", attempt: 1 }]);
    expect(dead[0].reason).toMatchObject({ code, message: expect.stringContaining(text) });
  });

  it("is dead at once if its event refuses the payload", async () => {
    const event = defineEvent("schema.bad", z.object({ id: z.string() }));
    await insert("schema", { payload: '{"id":4111}' });
    const done: Message[] = [];
    const receiver = db.receiver().on("schema", event, () => expect.fail("was handled"));
    await run(
      receiver.on(
        "schema",
        "schema.good",
        failOnce(done, () => {}),
      ),
      "schema",
      done,
    );
    const dead = await leftOf("schema");
    expect(dead).toMatchObject([
      { state: "dead", attempt: 1, reason: { code: "INVALID_PAYLOAD" } },
    ]);
    expect(dead[0].reason.message).toContain("payload.id");
    expect(JSON.stringify(dead)).not.toContain("4111");
  });

  it("waits where its name is subscribed to and this process has no handler", async () => {
    const earlier = db.receiver().on("unknown", "unknown.bad", () => {});
    await earlier.queue("unknown", { startAt: "earliest" }).start();
    await earlier.stop();
    await insert("unknown", {});
    const done: Message[] = [];
    const receiver = db.receiver().on(
      "unknown",
      "unknown.good",
      failOnce(done, () => {}),
    );
    await run(receiver, "unknown", done);
    expect(await leftOf("unknown")).toMatchObject([{ name: "unknown.bad", state: "parked" }]);
  });

  it.each(["infinity", "-infinity", "0044-03-15 12:00:00+00 BC", "12026-01-01 00:00:00+00"])(
    "fails a handler that asks for a time that no message can have: %s",
    async (published_at) => {
      const topic = `time:${published_at.replaceAll(/[^a-zA-Z0-9]/g, "_")}`;
      const read = ({ publishedAt }: Message) => publishedAt;
      const { done, dead } = await receive(topic, { published_at }, read, withLimit(2));
      expect(done.map(({ name }) => name)).toEqual([`${topic}.good`]);
      expect(dead).toMatchObject([{ state: "dead", attempt: 2 }]);
      expect(dead[0].reason.message).toContain("Bad time");
    },
  );

  it.each(['{"a":"\\u0000"}', '["\\ud800"]', "{"])(
    "is refused in a bulk publish without a word of it, and nothing is written: %s",
    async (json) => {
      const stored = (name: string, text: string) =>
        new StoredMessage({
          ...{ id: randomUUID(), name, topic: "bulk", key: undefined, json: text },
          ...{ headersJson: null, publishedAt: new Date(), deliverAt: null },
        });
      const batch = [stored("bulk.good", "1"), stored("bulk.bad", json)];
      const error = await db.publisher.publishMany(batch).catch((thrown) => thrown);
      expect(error).toMatchObject({ code: "PUBLISH_FAILED", cause: { code: "INVALID_PAYLOAD" } });
      expect(inspect(error, { depth: 10, showHidden: true })).not.toContain("JSON data");
      const count = "select count(*)::int from opinionated_events.message where topic = 'bulk'";
      expect(await rows(db.pool, count)).toEqual([{ count: 0 }]);
    },
  );

  it("has the time that was stored, in the first century too", async () => {
    const times = {
      published_at: "0099-12-31 23:59:59.999+00",
      deliver_at: "0001-01-01 05:30+05:30",
    };
    const { done } = await receive("ancient", times);
    const bad = done.find(({ name }) => name === "ancient.bad");
    expect(bad?.publishedAt.toISOString()).toBe("0099-12-31T23:59:59.999Z");
    expect(bad?.deliverAt?.toISOString()).toBe("0001-01-01T00:00:00.000Z");
  });
});
