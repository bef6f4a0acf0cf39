import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createMessage, type Message } from "../../src/index.js";
import { claimBatch } from "../../src/postgres/batch.js";
import { append } from "../../src/postgres/log.js";
import { DEFAULT_SCHEMA } from "../../src/postgres/schema.js";
import { Engine } from "../engine/engine.js";

let engine: Engine;
beforeEach(async () => {
  engine = await Engine.create();
  await engine.subscribe("t.*");
});
afterEach(() => engine.drop());

/** What a claim gives, in its order. */
async function claimed(messages: readonly Message[]) {
  await append(engine.pool, DEFAULT_SCHEMA, messages);
  const batch = await claimBatch(engine.db, "q", "t", 100, { session: null, leaseMs: 60_000 });
  return batch?.messages.map(({ message, early }) => ({
    id: message.id,
    name: message.name,
    key: message.key,
    payload: message.payload,
    headers: message.headers,
    deliverAt: message.deliverAt,
    early,
  }));
}

function expected({ id, name, key, payload, headers, deliverAt }: Message, early = false) {
  return { id, name, key, payload, headers, deliverAt, early };
}

it("takes apart whatever a message can hold", async () => {
  const soon = new Date(Date.now() + 3_600_000);
  const messages = [
    createMessage("t.a", '\u001e\u001f\\u001e"', { key: '\u001e\u001f"\\ \n' }),
    createMessage("t.b", null, { headers: { "a\u001e": "\u001f", empty: "" } }),
    createMessage("t.c", [" "], { key: "t", deliverAt: soon }),
    createMessage("t.d", {}),
  ];
  expect(await claimed(messages)).toEqual(messages.map((each, n) => expected(each, n === 2)));
});

it("keeps the order among small messages and large ones", async () => {
  const payloads = Array.from({ length: 30 }, (_, n) =>
    n % 3 === 1 ? randomBytes(n % 2 ? 3_000 : 100_000).toString("base64") : n,
  );
  const messages = payloads.map((payload) => createMessage("t.x", payload));
  expect(await claimed(messages)).toEqual(messages.map((each) => expected(each)));
});

it("leases large messages alone, too", async () => {
  const messages = [createMessage("t.x", randomBytes(5_000).toString("base64"))];
  expect(await claimed(messages)).toEqual(messages.map((each) => expected(each)));
});
