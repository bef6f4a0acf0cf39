import { afterEach, describe, expect, it, vi } from "vitest";
import { createMessage } from "../../src/message/create-message.js";
import { decodeEnvelopes, encodeEnvelopes } from "../../src/message/envelope.js";
import { StoredMessage } from "../../src/message/stored-message.js";
import { withCode } from "./with-code.js";

const ENVELOPE = {
  id: "0198c2d0-0000-7000-8000-0000000000ab",
  name: "user.created",
  topic: "people",
  payload: { a: [1, null] },
  key: "k",
  headers: { traceparent: "00-1" },
  publishedAt: "2026-01-31T10:00:00.000Z",
  deliverAt: "2026-02-01T10:00:00.000Z",
  dedupKey: "d",
  dedupMs: 60_000,
};

const META = {
  uuid: ENVELOPE.id,
  published_at: "2026-01-31T10:00:00.123456789Z",
  deliver_at: "2026-01-31T10:00:00.123456789Z",
};
const OLD = { name: "user.created", meta: META, payload: base64('{"a":1}') };

function base64(text: string | Uint8Array): string {
  return Buffer.from(text).toString("base64");
}

function decodeOne(envelope: unknown) {
  const [message] = decodeEnvelopes(JSON.stringify(envelope));
  if (!message) throw new Error("Nothing was decoded.");
  return message;
}

function without(field: keyof typeof ENVELOPE): object {
  return { ...ENVELOPE, [field]: undefined };
}

describe("encodeEnvelopes", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it("is always an array", () => {
    expect(encodeEnvelopes([])).toBe("[]");
    expect(JSON.parse(encodeEnvelopes([createMessage("a", 1)]))).toHaveLength(1);
  });

  it("leaves out what is not there", () => {
    const message = createMessage("a.b", 1);
    const { id, publishedAt } = message;
    expect(JSON.parse(encodeEnvelopes([message]))).toEqual([
      { id, name: "a.b", topic: "a", payload: 1, publishedAt: publishedAt.toISOString() },
    ]);
  });

  it("holds the payload's text to the letter", () => {
    const json = '{ "big": 12345678901234567890.10 }';
    const { id, name, topic, key } = createMessage("a", 1);
    const fields = { id, name, topic, key, json, headersJson: null, deliverAt: null };
    const message = new StoredMessage({ ...fields, publishedAt: new Date() });
    expect(encodeEnvelopes([message, message]).split(json)).toHaveLength(3);
  });

  it("escapes what a store may hold", () => {
    const fields = { id: 'a"b', name: "c\\d", topic: "e\n", key: undefined, json: "1" };
    const stored = { ...fields, headersJson: null, publishedAt: new Date(0), deliverAt: null };
    const [{ id, name, topic }] = JSON.parse(encodeEnvelopes([new StoredMessage(stored)]));
    expect({ id, name, topic }).toEqual({ id: 'a"b', name: "c\\d", topic: "e\n" });
  });

  it("makes a time of a delay, counted from the publish, however late it is sent", () => {
    vi.useFakeTimers({ now: 1_000 });
    const message = createMessage("a", 1, { delayMs: 500 });
    vi.setSystemTime(9_000);
    expect(JSON.parse(encodeEnvelopes([message]))).toMatchObject([
      { publishedAt: new Date(1_000).toISOString(), deliverAt: new Date(1_500).toISOString() },
    ]);
  });
});

describe("decodeEnvelopes", () => {
  it("reads every field", () => {
    const message = decodeOne({ ...ENVELOPE, unknown: true });
    expect(message.toJSON()).toEqual(ENVELOPE);
    expect(message.payload).toEqual(ENVELOPE.payload);
    expect(message.deliverAt).toEqual(new Date(ENVELOPE.deliverAt));
  });

  it("holds the payload's text as it came, whatever is done to the value", () => {
    const [first, second] = decodeEnvelopes(
      JSON.stringify([ENVELOPE, { ...ENVELOPE, payload: [7] }]),
    );
    const alone = decodeOne(ENVELOPE);
    for (const message of [first, alone]) Object.assign(message?.payload ?? {}, { a: 2 });
    expect([first?.json, second?.json, alone.json]).toEqual([
      '{"a":[1,null]}',
      "[7]",
      '{"a":[1,null]}',
    ]);
  });

  it("doesn't mix up times", () => {
    const times = ["2026-01-31T10:00:00.000Z", "2026-02-01T10:00:00.000Z"];
    const dates = times.map((publishedAt) => decodeOne({ ...ENVELOPE, publishedAt }).publishedAt);
    expect(dates.map((date) => date.toISOString())).toEqual(times);
    const publishedAt = "";
    expect(() => decodeOne({ ...ENVELOPE, publishedAt })).toThrow(withCode("INVALID_ENVELOPE", ""));
  });

  it("reads one or many", () => {
    expect(decodeEnvelopes("[]")).toEqual([]);
    expect(decodeEnvelopes(JSON.stringify(ENVELOPE))).toHaveLength(1);
    expect(decodeEnvelopes(JSON.stringify([ENVELOPE, OLD, ENVELOPE]))).toHaveLength(3);
  });

  it("reads a dedup key without a window as one of five minutes, and no window without a key", () => {
    expect(decodeOne(without("dedupMs"))).toMatchObject({ dedupKey: "d", dedupMs: 300_000 });
    const { dedupKey, dedupMs } = decodeOne(without("dedupKey"));
    expect([dedupKey, dedupMs]).toEqual([undefined, undefined]);
  });

  it("takes the topic from the name where it is missing", () => {
    expect(decodeOne(without("topic")).topic).toBe("user");
  });

  it("reads a payload of null, a time with an offset and an id in capitals", () => {
    const id = ENVELOPE.id.toUpperCase();
    const publishedAt = "2026-01-31T12:00:00+02:00";
    const message = decodeOne({ ...ENVELOPE, id, publishedAt, payload: null });
    expect(message.payload).toBeNull();
    expect(message.id).toBe(ENVELOPE.id);
    expect(message.publishedAt).toEqual(new Date(ENVELOPE.publishedAt));
  });

  it("reads bytes", () => {
    const headers = { "content-type": "image/png" };
    const message = decodeOne({ ...ENVELOPE, headers, payload: "AQI=" });
    expect(message.payload).toStrictEqual(new Uint8Array([1, 2]));
    expect(message.json).toBe('"AQI="');
  });

  it("keeps an own __proto__ in payload and headers", () => {
    const text = JSON.stringify(ENVELOPE)
      .replace('{"a":', '{"__proto__":')
      .replace('"traceparent"', '"__proto__"');
    const [message] = decodeEnvelopes(text);
    expect(message?.json).toBe('{"__proto__":[1,null]}');
    expect(Object.entries(message?.headers ?? {})).toEqual([["__proto__", "00-1"]]);
  });

  it.each(["id", "name", "payload", "publishedAt"] as const)("refuses a missing %s", (field) => {
    const decode = () => decodeEnvelopes(JSON.stringify([ENVELOPE, without(field)]));
    expect(decode).toThrow(withCode("INVALID_ENVELOPE", `envelopes[1].${field} is missing`));
  });

  it.each([
    ["id", "42"],
    ["id", null],
    ["name", "a b"],
    ["name", 7],
    ["topic", ""],
    ["topic", null],
    ["key", 7],
    ["key", ""],
    ["headers", { a: 1 }],
    ["headers", []],
    ["payload", { a: "\0" }],
    ["publishedAt", 1_700_000_000_000],
    ["publishedAt", "2026-01-31"],
    ["publishedAt", "2026-13-31T10:00:00Z"],
    ["publishedAt", "2026-01-31T10:00:00"],
    ["deliverAt", "soon"],
  ])("refuses a bad %s: %j", (field, value) => {
    expect(() => decodeOne({ ...ENVELOPE, [field]: value })).toThrow(
      withCode("INVALID_ENVELOPE", `envelopes[0].${field} can't be read`),
    );
  });

  it("refuses a name that gives no topic", () => {
    expect(() => decodeOne({ ...without("topic"), name: ".created" })).toThrow(
      withCode("INVALID_ENVELOPE", "has no topic"),
    );
  });

  it("refuses bytes that are not base64", () => {
    const headers = { "content-type": "image/png" };
    for (const payload of ["?", 7, { a: 1 }]) {
      expect(() => decodeOne({ ...ENVELOPE, headers, payload })).toThrow(
        withCode("INVALID_ENVELOPE", "payload"),
      );
    }
  });

  it.each(["7", "null", '"text"', "[[]]", "[null]"])("refuses %s", (text) => {
    expect(() => decodeEnvelopes(text)).toThrow(
      withCode("INVALID_ENVELOPE", "envelopes[0] is not"),
    );
  });

  it("refuses what is not JSON, without quoting it", () => {
    expect(() => decodeEnvelopes("secret")).toThrow(
      withCode("INVALID_ENVELOPE", "The text is not valid JSON."),
    );
    expect(() => decodeEnvelopes("secret")).toThrow(
      expect.not.objectContaining({ cause: expect.anything() }),
    );
  });
});

describe("the form of go-opinionatedevents", () => {
  it("is read", () => {
    const message = decodeOne(OLD);
    expect(message).toMatchObject({ id: META.uuid, name: "user.created", topic: "user" });
    expect(message.payload).toEqual({ a: 1 });
    expect(message.publishedAt).toEqual(new Date("2026-01-31T10:00:00.123Z"));
    expect(message.deliverAt).toBeUndefined();
    expect(message.headers).toEqual({});
  });

  it("can be without a delivery time", () => {
    const meta = { uuid: META.uuid, published_at: META.published_at };
    expect(decodeOne({ ...OLD, meta }).deliverAt).toBeUndefined();
  });

  it("can be for later", () => {
    const meta = { ...META, deliver_at: "2026-01-31T13:00:00+02:00" };
    expect(decodeOne({ ...OLD, meta }).deliverAt).toEqual(new Date("2026-01-31T11:00:00Z"));
  });

  it.each([
    ["name", { ...OLD, name: undefined }],
    ["name", { ...OLD, name: "user" }],
    ["name", { ...OLD, name: "user.created.now" }],
    ["name", { ...OLD, name: "user:x.created" }],
    ["name", { ...OLD, name: `user.${"x".repeat(251)}` }],
    ["meta", { ...OLD, meta: [] }],
    ["meta.uuid", { ...OLD, meta: { ...META, uuid: undefined } }],
    ["meta.uuid", { ...OLD, meta: { ...META, uuid: "00000000-0000-0000-0000-000000000000" } }],
    ["meta.published_at", { ...OLD, meta: { ...META, published_at: undefined } }],
    ["meta.published_at", { ...OLD, meta: { ...META, published_at: "0000-00-00" } }],
    ["meta.deliver_at", { ...OLD, meta: { ...META, deliver_at: 7 } }],
    ["payload", { ...OLD, payload: undefined }],
    ["payload", { ...OLD, payload: { a: 1 } }],
    ["payload", { ...OLD, payload: base64("{") }],
    ["payload", { ...OLD, payload: base64('"\\u0000"') }],
    ["payload", { ...OLD, payload: base64(new Uint8Array([0x22, 0xff, 0x22])) }],
  ])("is refused with a bad %s", (field, envelope) => {
    expect(() => decodeOne(envelope)).toThrow(
      withCode("INVALID_ENVELOPE", `envelopes[0].${field} `),
    );
  });
});
