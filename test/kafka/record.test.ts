import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { foreignRecord } from "../../src/kafka/foreign.js";
import { fromRecord, isOurs, type ReceivedRecord, toRecord } from "../../src/kafka/record.js";
import { createMessage, type MessageOptions } from "../../src/message/create-message.js";
import { EventsError } from "../../src/message/errors.js";
import type { Message } from "../../src/message/message.js";
import { toEnvelope } from "../../src/message/to-envelope.js";
import { anyName, anyOptions, anyPayload, anyText } from "../input/arbitraries.js";
import { withCode } from "../message/with-code.js";

const ID = "0192f0c1-2b3a-7c5d-8e6f-708192a3b4c5";

/** As a consumer gets what a producer was given. */
function sent(message: Message): ReceivedRecord {
  const { key, value, headers } = toRecord(message);
  const bytes = Object.entries(headers).map(([name, text]) => [name, Buffer.from(String(text))]);
  return {
    key: key === null ? null : Buffer.from(key as string),
    value: value === null ? null : Buffer.from(value as string),
    headers: Object.fromEntries(bytes),
  };
}

function texts({ headers = {} }: ReceivedRecord): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}

function isSame(message: Message, other: Message): boolean {
  const fields = ({ id, name, topic, key, json, payload, headers, publishedAt }: Message) => ({
    ...{ id, name, topic, key, json, payload, publishedAt },
    headers: { ...headers },
  });
  return (
    isDeepStrictEqual(fields(message), fields(other)) &&
    isDeepStrictEqual(toEnvelope(message), toEnvelope(other))
  );
}

describe("a record", () => {
  const headers = fc.dictionary(
    fc
      .tuple(fc.constantFrom("", "oe-", "oe-header-", "oe-id"), anyText)
      .map((parts) => parts.join("")),
    anyText,
    { maxKeys: 3, noNullPrototype: true },
  );
  const more: fc.Arbitrary<MessageOptions> = fc.record(
    {
      headers,
      topic: anyName,
      dedupKey: anyText,
      dedupMs: fc.nat(),
      delayMs: fc.double({ min: 0, max: 1e12, noNaN: true }),
    },
    { requiredKeys: [] },
  );

  it("gives back every message that can be made, to the letter", () => {
    let exact = 0;
    fc.assert(
      fc.property(anyName, anyPayload, anyOptions, more, (name, payload, some, others) => {
        const message = accepted(() => createMessage(name, payload, { ...some, ...others }));
        if (!message) return;
        expect(isSame(message, fromRecord(sent(message)))).toBe(true);
        exact += 1;
      }),
      { numRuns: 10_000 },
    );
    expect(exact).toBeGreaterThan(100);
  });

  it("has the key, the payload and the headers as anybody reads them", () => {
    const options = { id: ID, key: "k", headers: { "x-a": "1" } };
    const record = sent(createMessage("user.created", { a: "é" }, options));
    expect(String(record.key)).toBe("k");
    expect(String(record.value)).toBe('{"a":"é"}');
    expect(texts(record)).toEqual({
      "x-a": "1",
      "oe-id": ID,
      "oe-name": "user.created",
      "oe-published-at": expect.stringMatching(/^\d{4}-.*Z$/),
    });
  });

  it("has bytes as they are, and says so in the content type", () => {
    const record = sent(createMessage("image.made", Uint8Array.of(0, 255)));
    expect(record.value).toEqual(Buffer.of(0, 255));
    expect(texts(record)["content-type"]).toBe("application/octet-stream");
  });

  it("names the topic only where the name doesn't", () => {
    expect(texts(sent(createMessage("user.created", 1, { topic: "user" })))["oe-topic"]).toBe(
      undefined,
    );
    expect(texts(sent(createMessage("user.created", 1, { topic: "crm" })))["oe-topic"]).toBe("crm");
  });
});

describe("a record that somebody else wrote", () => {
  const ours = {
    "oe-id": Buffer.from(ID),
    "oe-name": Buffer.from("user.created"),
    "oe-published-at": Buffer.from("2026-01-31T10:00:00Z"),
  };
  const record = { key: null, value: Buffer.from("1"), headers: ours };

  it("is read if it has the headers", () => {
    expect(isOurs(record)).toBe(true);
    expect(fromRecord(record)).toMatchObject({ id: ID, topic: "user", payload: 1, key: undefined });
  });

  it("has what is unknown of ours left out, and the last of several values", () => {
    const headers = { ...ours, "oe-of-tomorrow": "x", a: ["1", Buffer.from("2")], b: Buffer.of() };
    expect(fromRecord({ ...record, headers }).headers).toEqual({ a: "2", b: "" });
  });

  it.each([{}, undefined, { ce_id: Buffer.from(ID) }])("is foreign without them: %j", (headers) => {
    const other = { key: null, value: Buffer.from("1"), headers };
    expect(isOurs(other)).toBe(false);
    expect(() => fromRecord(other)).toThrow(withCode("FOREIGN_MESSAGE", "decoder"));
  });

  it.each<[string, Partial<ReceivedRecord>, string, string]>([
    [
      "no id",
      { headers: { ...ours, "oe-id": undefined } },
      "INVALID_ENVELOPE",
      "record.oe-id is missing",
    ],
    [
      "no name",
      { headers: { ...ours, "oe-name": undefined } },
      "INVALID_ENVELOPE",
      "record.oe-name is missing",
    ],
    [
      "a bad id",
      { headers: { ...ours, "oe-id": "4711" } },
      "INVALID_ENVELOPE",
      "record.oe-id can't be read",
    ],
    [
      "a bad time",
      { headers: { ...ours, "oe-published-at": "now" } },
      "INVALID_ENVELOPE",
      "oe-published-at",
    ],
    [
      "a bad delay",
      { headers: { ...ours, "oe-dedup-key": "k", "oe-dedup-ms": "x" } },
      "INVALID_ENVELOPE",
      "oe-dedup-ms",
    ],
    ["no topic", { headers: { ...ours, "oe-name": ".a" } }, "INVALID_ENVELOPE", "has no topic"],
    [
      "a header that is no text",
      { headers: { ...ours, a: Buffer.of(255) } },
      "INVALID_ENVELOPE",
      'header "a"',
    ],
    ["a key that is no text", { key: Buffer.of(255) }, "INVALID_ENVELOPE", "record.key"],
    ["no value", { value: null }, "INVALID_PAYLOAD", "not valid JSON"],
    ["a value that is no JSON", { value: Buffer.from("{") }, "INVALID_PAYLOAD", "not valid JSON"],
    [
      "a value that is no UTF-8",
      { value: Buffer.of(34, 255, 34) },
      "INVALID_PAYLOAD",
      "not valid UTF-8",
    ],
  ])("is refused with the place: %s", (_, change, code, text) => {
    expect(() => fromRecord({ ...record, ...change })).toThrow(withCode(code as never, text));
  });

  it("has empty bytes where a client makes none of them", () => {
    const empty = { ...record, value: null, headers: { ...ours, "content-type": "image/png" } };
    expect(fromRecord(empty).payload).toEqual(new Uint8Array());
  });

  it("has an id for its place", () => {
    const at = (partition: number, offset: string) =>
      foreignRecord("t", partition, { ...record, offset, timestamp: "5" });
    expect(at(0, "1")).toEqual(at(0, "1"));
    expect(new Set([at(0, "1").id, at(0, "2").id, at(1, "1").id]).size).toBe(3);
    expect(createMessage("a.b", 1, { id: at(0, "1").id }).id).toBe(at(0, "1").id);
    expect(at(0, "1").timestamp).toEqual(new Date(5));
  });
});

function accepted(make: () => Message): Message | undefined {
  try {
    return make();
  } catch (error) {
    if (error instanceof EventsError) return undefined;
    throw error;
  }
}
