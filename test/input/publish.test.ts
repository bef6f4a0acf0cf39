import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createMessage } from "../../src/message/create-message.js";
import { withCode } from "../message/with-code.js";
import { http, memory, postgres, type Transport } from "./transports.js";

const deep = (levels: number) => JSON.parse("[".repeat(levels) + "]".repeat(levels));

const GOOD: [string, unknown][] = [
  ["null", null],
  ["10 MB of text", "\u{1f600}\\".repeat(1_660_000)],
  ["500 levels", deep(500)],
  ["1,000 levels", deep(1_000)],
  ["a key called __proto__", JSON.parse('{"__proto__":{"admin":true},"constructor":1}')],
  ["100,000 keys", Object.fromEntries(Array.from({ length: 100_000 }, (_, n) => [`key ${n}`, n]))],
  ["an empty key", { "": { "": 1 } }],
  [
    "numbers to the last digit",
    [2 ** 53, 2 ** 64, 1e21, 1.7976931348623157e308, 5e-324, 0.1 + 0.2],
  ],
  ["text in every plane", "\u0001\u001f\u007f\u0085\u2028\ufeff\uffff\u{10ffff}"],
  ["a million bytes", new Uint8Array(1_000_000).map((_, n) => n % 256)],
];

const circle: Record<string, unknown> = {};
circle.again = [circle];

const BAD: [string, unknown, path: string, wayOut: string][] = [
  ["undefined", undefined, "payload is", "use null"],
  ["a BigInt", { price: 1n }, "payload.price", "convert it to a string"],
  ["a circle", circle, "payload.again[0]", "refer to the object by an id"],
  ["a function", [() => 1], "payload[0]", "leave it out"],
  ["a symbol", { a: Symbol("x") }, "payload.a", "convert it to a string"],
  ["NaN", { a: { b: Number.NaN } }, "payload.a.b", "use null or a string"],
  ["Infinity", [1, Number.POSITIVE_INFINITY], "payload[1]", "use null or a string"],
  [
    "a Date",
    { at: new Date(0) },
    "payload.at",
    "convert it to a plain object, an array or a string",
  ],
  ["a Map", { a: new Map() }, "payload.a", "convert it to a plain object"],
  ["NUL", { a: "x\0" }, "payload.a", "must be text without NUL characters"],
  ["NUL in a key", { "\0": 1 }, 'payload["\\u0000"]', "without NUL characters"],
  ["half a character", ["\ud83d"], "payload[0]", "without NUL characters and lone surrogates"],
  ["1,001 levels", { a: deep(1_001) }, "payload.a[0][0]", "flatten it"],
];

describe.each([
  ["memory", memory],
  ["HTTP", http],
  ["Postgres", postgres],
])("over %s", (_, open: () => Promise<Transport>) => {
  let transport: Transport;
  beforeAll(async () => {
    transport = await open();
  });
  afterAll(() => transport.close());

  it.each(GOOD)("%s arrives as it was sent, alone and in company", async (_, payload) => {
    const { publisher, received, waitFor } = transport;
    const messages = ["a.one", "a.two", "a.three"].map((name) => createMessage(name, payload));
    const [alone, ...company] = messages;
    await publisher.publishOne(alone ?? expect.fail());
    for (const pair of inRequests(company)) await publisher.publishMany(pair);
    await waitFor(messages);
    for (const message of messages) {
      const other = received.get(message.id);
      expect(other?.json === message.json).toBe(true);
      expect(isDeepStrictEqual(other?.payload, payload)).toBe(true);
      expect(other?.headers).toEqual(message.headers);
    }
  });

  it("what is no message stops its whole batch before anything is written", async () => {
    const { publisher, received, waitFor } = transport;
    const good = createMessage("a.good", 1);
    const forged = { ...good, name: "a bad name", payload: 1, json: "1" };
    const publish = publisher.publishMany([good, forged as never]);
    await expect(publish).rejects.toThrow(withCode("INVALID_MESSAGE", "index 1"));
    const results = await publisher.publishMany([good, createMessage("a.good", 2)]);
    expect(results.map(({ status }) => status)).not.toContain("duplicate");
    await waitFor([good]);
    expect(received.get(good.id)?.name).toBe("a.good");
  });
});

it.each(BAD)("%s is refused with its place and the way out", (_, payload, path, wayOut) => {
  const create = () => createMessage("a.bad", payload);
  expect(create).toThrow(withCode("INVALID_PAYLOAD", path));
  expect(create).toThrow(withCode("INVALID_PAYLOAD", wayOut));
});

/** One request of HTTP has a limit of 10 MiB. */
function inRequests<M extends { readonly json: string }>(messages: readonly M[]): M[][] {
  const isLarge = messages.some(({ json }) => json.length > 5_000_000);
  return isLarge ? messages.map((message) => [message]) : [[...messages]];
}

it("says over HTTP which limit a message is beyond, and goes on", async () => {
  const { publisher, received, waitFor, close } = await http();
  const tooLarge = publisher.publishOne(createMessage("a.b", "x".repeat(11_000_000)));
  await expect(tooLarge).rejects.toThrow(withCode("PUBLISH_FAILED", "raise maxBodyBytes"));
  const next = createMessage("a.c", 1);
  await publisher.publishOne(next);
  await waitFor([next]);
  expect([...received.keys()]).toEqual([next.id]);
  await close();
});
