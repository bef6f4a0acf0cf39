import { describe, expect, it } from "vitest";
import { type StoredFields, StoredMessage } from "../../src/message/stored-message.js";
import { withCode } from "./with-code.js";

function stored(fields: Partial<StoredFields> = {}): StoredMessage {
  return new StoredMessage({
    id: "0198c2d0-0000-7000-8000-0000000000ab",
    name: "user.created",
    topic: "user",
    key: undefined,
    json: '{"a": 1}',
    headersJson: null,
    publishedAt: "2026-01-31T10:00:00.123Z",
    deliverAt: null,
    ...fields,
  });
}

describe("StoredMessage", () => {
  it.each([
    ["2026-01-31 10:00:00+00", "2026-01-31T10:00:00.000Z"],
    ["2026-01-31 10:00:00.1+00", "2026-01-31T10:00:00.100Z"],
    ["2026-01-31 10:00:00.289999+00", "2026-01-31T10:00:00.289Z"],
    ["2026-01-31 10:00:01.05+00", "2026-01-31T10:00:01.050Z"],
    ["2026-01-31 10:00:00.5+01", "2026-01-31T09:00:00.500Z"],
  ])("reads the time %s", (publishedAt, time) => {
    expect(stored({ publishedAt }).publishedAt).toEqual(new Date(time));
  });

  it.each(["2026-13-31 10:00:00+00", "2026-01-31 10:00:00x1+00", "2026-01-31 10:00:00.xyz+00"])(
    "takes %s for no time",
    (publishedAt) => {
      expect(() => stored({ publishedAt }).publishedAt).toThrow(withCode("INVALID_TIME"));
    },
  );

  it("decodes its texts", () => {
    const message = stored({ headersJson: '{"a":"b"}', deliverAt: "2026-02-01 00:00:00.5+00" });
    expect(message.payload).toEqual({ a: 1 });
    expect(message.headers).toEqual({ a: "b" });
    expect(message.publishedAt).toEqual(new Date("2026-01-31T10:00:00.123Z"));
    expect(message.deliverAt).toEqual(new Date("2026-02-01T00:00:00.500Z"));
    expect(message.delayMs).toBeUndefined();
  });

  it("takes dates as they are, and keeps them from change", () => {
    const message = stored({ publishedAt: new Date(5), deliverAt: new Date(7) });
    message.publishedAt.setTime(6);
    expect(message.publishedAt).toEqual(new Date(5));
    expect(message.deliverAt).toEqual(new Date(7));
  });

  it("has no headers and no delivery time where none are stored", () => {
    expect(stored().headers).toEqual({});
    expect(stored().deliverAt).toBeUndefined();
  });

  it("decodes bytes", () => {
    const headersJson = '{"content-type":"image/png"}';
    expect(stored({ json: '"AQI="', headersJson }).payload).toStrictEqual(new Uint8Array([1, 2]));
  });

  it("decodes once", () => {
    const message = stored({ headersJson: "{}" });
    expect(message.payload).toBe(message.payload);
    expect(message.headers).toBe(message.headers);
  });

  it("throws only when it is asked for what it can't read", () => {
    const message = stored({ json: "{", headersJson: "[]", publishedAt: "never", deliverAt: "?" });
    expect(message.name).toBe("user.created");
    expect(() => message.headers).toThrow(withCode("INVALID_HEADERS"));
    expect(() => message.publishedAt).toThrow(withCode("INVALID_TIME"));
    expect(() => message.deliverAt).toThrow(withCode("INVALID_TIME"));
    expect(() => stored({ json: "{" }).payload).toThrow(withCode("INVALID_PAYLOAD"));
    expect(() => stored({ headersJson: "{" }).headers).toThrow(withCode("INVALID_HEADERS"));
    expect(() => stored({ headersJson: '{"a":1}' }).headers).toThrow(withCode("INVALID_HEADERS"));
  });

  it("is its envelope in JSON", () => {
    expect(JSON.parse(JSON.stringify(stored({ key: "k" })))).toEqual({
      id: "0198c2d0-0000-7000-8000-0000000000ab",
      name: "user.created",
      topic: "user",
      payload: { a: 1 },
      key: "k",
      publishedAt: "2026-01-31T10:00:00.123Z",
    });
  });
});
