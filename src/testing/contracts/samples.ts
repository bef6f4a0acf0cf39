import assert from "node:assert/strict";
import { createMessage, type MessageOptions } from "../../message/create-message.js";
import type { Message } from "../../message/message.js";

const TEXTS = [
  "Ærøskøbing",
  "Ἀθῆναι",
  "東京",
  "مرحبا",
  "e\u0301",
  "👩‍👩‍👧",
  "\u2028\u2029",
  "tab\tline\nquote\"'\\",
];
const JSON_VALUES = [
  null,
  true,
  false,
  0,
  0.1,
  -1.5e-300,
  Number.MAX_SAFE_INTEGER,
  "",
  "null",
  [],
  {},
  [[], [null, { "": [0] }]],
  { z: 1, a: { deep: { deeper: ["x", 2, null] } }, "2": "number-like key" },
];

/** Messages named `thing.made`, with payloads `{ n }` from 0 on. */
export function things(count: number, options: MessageOptions = {}): Message[] {
  return Array.from({ length: count }, (_, n) => thing(n, options));
}

export function thing(n = 0, options: MessageOptions = {}): Message {
  return createMessage("thing.made", { n }, options);
}

export const idsOf = (messages: readonly { readonly id: string }[]): string[] =>
  messages.map(({ id }) => id);

/** Messages that are hard to carry, by what is to be kept of them. */
export const samples = {
  "keeps id, name, topic, key and headers": () => [
    createMessage("thing", 1),
    createMessage("thing.made:v2.x_y-Z", 1, { topic: "other.topic", key: "k 1" }),
    createMessage("thing.made", 1, {
      id: "0192F0C1-2B3A-4C5D-8E6F-708192A3B4C5",
      key: "x".repeat(1_000),
      headers: {
        traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        empty: "",
      },
    }),
  ],
  "keeps every kind of JSON value": () => JSON_VALUES.map((v) => createMessage("thing.made", v)),
  "keeps text of every script": () =>
    TEXTS.map((text) =>
      createMessage("thing.made", { [text]: text }, { key: text, headers: { text } }),
    ),
  "keeps bytes": () =>
    [new Uint8Array(), Uint8Array.from({ length: 256 }, (_, n) => n)].flatMap((bytes) => [
      createMessage("thing.made", bytes),
      createMessage("thing.made", bytes, { headers: { "content-type": "image/png" } }),
    ]),
  "keeps a payload of a megabyte": () => [
    createMessage("thing.made", { text: "aé".repeat(2 ** 19) }),
    createMessage("thing.made", new Uint8Array(2 ** 20).fill(255)),
  ],
  "keeps the time of delivery": () => [
    createMessage("thing.made", 1, { deliverAt: new Date("2001-02-03T04:05:06.789Z") }),
  ],
};

/** Compares all but the time of the publish, which a store may set, and the order. */
export function assertSame(actual: readonly Message[], expected: readonly Message[]): void {
  assert.deepEqual(idsOf(actual).sort(), idsOf(expected).sort());
  const byId = new Map(actual.map((message) => [message.id, message]));
  for (const message of expected) {
    const same = byId.get(message.id);
    assert.ok(same && Number.isFinite(same.publishedAt.getTime()));
    assert.deepEqual(fieldsOf(same), fieldsOf(message));
  }
}

function fieldsOf(message: Message) {
  const { id, name, topic, key, headers, deliverAt, payload } = message;
  return { id, name, topic, key, headers: { ...headers }, deliverAt, payload };
}
