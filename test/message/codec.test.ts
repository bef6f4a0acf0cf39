import { describe, expect, it } from "vitest";
import { decodePayload, encodePayload } from "../../src/message/codec.js";
import { withCode } from "./with-code.js";

const shared = { a: 1 };

class Price {
  constructor(readonly cents: number) {}
}

const circle: Record<string, unknown> = { name: "loop" };
circle.self = { again: circle };

const hiddenToJson = Object.defineProperty({ a: 1 }, "toJSON", { value: () => "other" });

function nested(levels: number): unknown {
  let value: unknown = [];
  for (let level = 1; level < levels; level += 1) value = level % 2 ? { a: value } : [value];
  return value;
}

const throws = {
  get secret() {
    throw new Error("no");
  },
};

describe("JSON payloads", () => {
  it.each([
    ["null", null],
    ["a boolean", false],
    ["an empty string", ""],
    ["text", 'a " \\ \n \u2028 é 漢 😀'],
    ["numbers", [0, -1, 1.5, 1e300, Number.MAX_SAFE_INTEGER, 5e-324]],
    ["objects in arrays", { a: [{ b: [] }, {}], c: null }],
    ["an object without a prototype", Object.assign(Object.create(null), { a: 1 })],
    ["one object in two places", [shared, shared]],
    ["a property called toJSON that is no method", { toJSON: "text" }],
    ["properties that look like ours", { constructor: { name: "x" }, length: 3 }],
  ])("keeps %s", (_, payload) => {
    const { json, headers } = encodePayload(payload, {});
    expect(decodePayload(json, headers)).toEqual(payload);
    expect(json).toBe(JSON.stringify(payload));
    expect(headers).toEqual({});
  });

  it("keeps an own __proto__", () => {
    const payload = JSON.parse('{"__proto__":{"admin":true},"a":1}');
    const decoded = decodePayload(encodePayload(payload, {}).json, {}) as object;
    expect(Object.keys(decoded)).toEqual(["__proto__", "a"]);
    expect(Object.getPrototypeOf(decoded)).toBe(Object.prototype);
  });

  it("leaves out properties that are undefined, as JSON.stringify does", () => {
    expect(encodePayload({ a: undefined, b: 1 }, {}).json).toBe('{"b":1}');
  });

  it.each([
    ["undefined", undefined, "payload is of type undefined"],
    ["a function", { a: () => 1 }, "payload.a is of type function"],
    ["a symbol", [Symbol("x")], "payload[0] is of type symbol"],
    ["a BigInt", { items: [1, 2, { price: 1n }] }, "payload.items[2].price is of type bigint"],
    ["NaN", { "a b": Number.NaN }, 'payload["a b"] is not a finite number'],
    ["Infinity", [[-Infinity]], "payload[0][0] is not a finite number"],
    ["undefined in an array", [1, undefined], "payload[1] is of type undefined"],
    ["a hole in an array", new Array(1), "payload[0] is of type undefined"],
    ["a Date", { at: new Date(0) }, "payload.at is an instance of Date"],
    ["a Map", new Map([["a", 1]]), "payload is an instance of Map"],
    ["a Set", { a: new Set() }, "payload.a is an instance of Set"],
    ["a class instance", { a: new Price(1) }, "payload.a is an instance of Price"],
    ["a class called by its payload", new (class {})(), "payload is an instance of a class"],
    ["an inheriting object", Object.create({ a: 1 }), "payload is an instance of Object"],
    ["an array of a class", [new (class Prices extends Array {})()], "an instance of Prices"],
    ["bytes inside", { file: new Uint8Array(1) }, "payload.file is an instance of Uint8Array"],
    ["a boxed string", { a: Object("x") }, "payload.a is an instance of String"],
    ["a toJSON method", { a: { toJSON: () => 1 } }, "payload.a has a toJSON method"],
    ["a hidden toJSON method", hiddenToJson, "payload has a toJSON method"],
    ["a toJSON method on an array", Object.assign([], { toJSON: () => 1 }), "a toJSON method"],
    ["a circle", circle, "payload.self.again is a circle"],
    ["NUL", { a: "x\0" }, "payload.a must be text without NUL"],
    ["NUL in a key", { "a\0": 1 }, 'payload["a\\u0000"] has a key'],
    ["a high surrogate alone", ["\ud83d"], "payload[0] must be text"],
    ["a low surrogate alone", ["a\ude00b"], "payload[0] must be text"],
    ["surrogates in the wrong order", { "\ude00\ud83d": 1 }, "has a key"],
    ["a getter that throws", throws, "can't be written as JSON"],
  ])("refuses %s", (_, payload, text) => {
    expect(() => encodePayload(payload, {})).toThrow(withCode("INVALID_PAYLOAD", text));
  });

  it("never quotes the payload", () => {
    const secret = "4111-1111\0";
    expect(() => encodePayload({ card: secret }, {})).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining("4111") }),
    );
    expect(() => decodePayload("4111-1111", {})).toThrow(
      expect.not.objectContaining({ cause: expect.anything() }),
    );
    expect(() => decodePayload("4111-1111", {})).toThrow(
      expect.objectContaining({ message: "The payload is not valid JSON." }),
    );
  });

  it.each([500, 1_000])("keeps %d levels", (levels) => {
    const payload = nested(levels);
    expect(encodePayload(payload, {}).json).toBe(JSON.stringify(payload));
  });

  it.each([1_001, 100_000])("refuses %d levels, with a short text", (levels) => {
    const encode = () => encodePayload(nested(levels), {});
    expect(encode).toThrow(withCode("INVALID_PAYLOAD", "... is more than 1,000 levels deep"));
  });

  it.each([
    "application/json",
    "application/json; charset=utf-8",
    "application/ld+json",
    "Text/JSON",
  ])("can have the content-type %s", (type) => {
    const headers = { "content-type": type };
    expect(encodePayload({ a: 1 }, headers)).toEqual({ json: '{"a":1}', headers });
    expect(decodePayload('{"a":1}', headers)).toEqual({ a: 1 });
  });

  it.each(["text/plain", "application/octet-stream", "application/jsonl", ""])(
    "can't have the content-type %j",
    (type) => {
      const encode = () => encodePayload("text", { "content-type": type });
      expect(encode).toThrow(withCode("INVALID_HEADERS", "content-type"));
    },
  );
});

describe("bytes", () => {
  it("are base64, with a content-type", () => {
    const { json, headers } = encodePayload(new Uint8Array([0, 255, 1]), { a: "b" });
    expect(json).toBe('"AP8B"');
    expect(headers).toEqual({ a: "b", "content-type": "application/octet-stream" });
    expect(decodePayload(json, headers)).toStrictEqual(new Uint8Array([0, 255, 1]));
  });

  it("keep their own content-type", () => {
    const headers = { "content-type": "image/png" };
    expect(encodePayload(Buffer.from("a"), headers)).toEqual({ json: '"YQ=="', headers });
  });

  it("are those of a view, not of its whole buffer", () => {
    const view = new Uint8Array([1, 2, 3, 4]).subarray(1, 3);
    expect(encodePayload(view, {}).json).toBe('"AgM="');
  });

  it("can't be JSON", () => {
    const encode = () => encodePayload(new Uint8Array(), { "content-type": "application/json" });
    expect(encode).toThrow(withCode("INVALID_HEADERS", "application/json"));
  });

  it.each(['"AP8B', '"AP8"', '"A P8B"', '"AP8B=="', '"_-8="', "7", "null", "{}"])(
    "are not decoded from %s",
    (json) => {
      const decode = () => decodePayload(json, { "content-type": "image/png" });
      expect(decode).toThrow(withCode("INVALID_PAYLOAD"));
    },
  );
});
