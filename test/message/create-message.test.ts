import { afterEach, describe, expect, it, vi } from "vitest";
import { createMessage } from "../../src/message/create-message.js";
import { withCode } from "./with-code.js";

const ID = "0198c2d0-0000-7000-8000-0000000000ab";

describe("createMessage", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it("fills in what is not given", () => {
    vi.useFakeTimers({ now: 1_700_000_000_000 });
    const message = createMessage("user.created", { id: 1 });
    expect(message).toMatchObject({ name: "user.created", topic: "user", json: '{"id":1}' });
    expect(message.payload).toEqual({ id: 1 });
    expect(message.headers).toEqual({});
    expect(message.publishedAt).toEqual(new Date(1_700_000_000_000));
    expect(message.id).toMatch(/^[0-9a-f-]{14}-?7/);
    expect(message.key).toBeUndefined();
    expect(message.deliverAt).toBeUndefined();
    expect(message.delayMs).toBeUndefined();
  });

  it("takes what is given", () => {
    const deliverAt = new Date("2030-01-01T00:00:00Z");
    const headers = { traceparent: "00-1" };
    const options = { id: ID.toUpperCase(), topic: "people", key: "k", headers, deliverAt };
    const message = createMessage("user.created", null, options);
    expect(message).toMatchObject({ id: ID, topic: "people", key: "k", headers, deliverAt });
    expect(createMessage("a", 1, { delayMs: 0 }).delayMs).toBe(0);
    expect(createMessage("a", 1, { delayMs: 1_500 }).delayMs).toBe(1_500);
  });

  it("takes undefined for not given", () => {
    const options = { id: undefined, topic: undefined, key: undefined, headers: undefined };
    const times = { deliverAt: undefined, delayMs: undefined };
    expect(createMessage("a.b", 1, { ...options, ...times }).topic).toBe("a");
  });

  it("keeps nothing that the caller can change", () => {
    const payload = { tags: ["a"] };
    const headers = { a: "b" };
    const deliverAt = new Date("2030-01-01T00:00:00Z");
    const message = createMessage("a", payload, { headers, deliverAt });
    payload.tags.push("b");
    headers.a = "c";
    deliverAt.setFullYear(1999);
    expect(message.payload).toEqual({ tags: ["a"] });
    expect(message.headers).toEqual({ a: "b" });
    expect(message.deliverAt?.getUTCFullYear()).toBe(2030);
  });

  it("gives one payload, however often it is asked for", () => {
    const message = createMessage("a", { x: 1 });
    expect(message.payload).toBe(message.payload);
  });

  it("allows a name without a topic where the topic is given", () => {
    expect(createMessage(".created", 1, { topic: "user" }).topic).toBe("user");
  });

  it.each([
    ["the name", () => createMessage("a b", 1), "INVALID_NAME"],
    ["an empty topic", () => createMessage(".b", 1), "INVALID_NAME"],
    ["the topic", () => createMessage("a", 1, { topic: "" }), "INVALID_NAME"],
    ["the id", () => createMessage("a", 1, { id: "" }), "INVALID_ID"],
    ["the payload", () => createMessage("a", undefined), "INVALID_PAYLOAD"],
    ["an empty key", () => createMessage("a", 1, { key: "" }), "INVALID_KEY"],
    ["a long key", () => createMessage("a", 1, { key: "x".repeat(1_001) }), "INVALID_KEY"],
    ["NUL in a key", () => createMessage("a", 1, { key: "\0" }), "INVALID_KEY"],
    ["half a character in a key", () => createMessage("a", 1, { key: "\ud83d" }), "INVALID_KEY"],
    [
      "an empty header name",
      () => createMessage("a", 1, { headers: { "": "x" } }),
      "INVALID_HEADERS",
    ],
    [
      "NUL in a header name",
      () => createMessage("a", 1, { headers: { "\0": "" } }),
      "INVALID_HEADERS",
    ],
    ["NUL in a header", () => createMessage("a", 1, { headers: { a: "\0" } }), "INVALID_HEADERS"],
    ["an invalid date", () => createMessage("a", 1, { deliverAt: new Date("x") }), "INVALID_TIME"],
    ["a far date", () => createMessage("a", 1, { deliverAt: new Date(1e15) }), "INVALID_TIME"],
    ["an empty dedup key", () => createMessage("a", 1, { dedupKey: "" }), "INVALID_KEY"],
    [
      "a negative window",
      () => createMessage("a", 1, { dedupKey: "k", dedupMs: -1 }),
      "INVALID_TIME",
    ],
    ["a window without a key", () => createMessage("a", 1, { dedupMs: 1 }), "INVALID_OPTIONS"],
    ["an order without a key", () => createMessage("a", 1, { orderedByKey: true }), "INVALID_KEY"],
    ["a negative delay", () => createMessage("a", 1, { delayMs: -1 }), "INVALID_TIME"],
    ["a delay of NaN", () => createMessage("a", 1, { delayMs: Number.NaN }), "INVALID_TIME"],
    ["an endless delay", () => createMessage("a", 1, { delayMs: 1e15 }), "INVALID_TIME"],
    [
      "two times",
      () => createMessage("a", 1, { delayMs: 1, deliverAt: new Date() }),
      "INVALID_OPTIONS",
    ],
  ] as const)("refuses %s", (_, create, code) => {
    expect(create).toThrow(withCode(code));
  });

  it("refuses what the types refuse, too", () => {
    // @ts-expect-error there is no such option
    expect(() => createMessage("a", 1, { deduplicate: true })).toThrow(
      withCode("INVALID_OPTIONS", "deduplicate"),
    );
    // @ts-expect-error options are an object
    expect(() => createMessage("a", 1, null)).toThrow(withCode("INVALID_OPTIONS"));
    // @ts-expect-error a key is a string
    expect(() => createMessage("a", 1, { key: 7 })).toThrow(withCode("INVALID_KEY"));
    // @ts-expect-error a key is left out, not null
    expect(() => createMessage("a", 1, { key: null })).toThrow(withCode("INVALID_KEY"));
    // @ts-expect-error a header is a string
    expect(() => createMessage("a", 1, { headers: { a: 1 } })).toThrow(
      withCode("INVALID_HEADERS", '"a"'),
    );
    const map = new Map([["a", "b"]]);
    // @ts-expect-error headers are a plain object
    expect(() => createMessage("a", 1, { headers: map })).toThrow(withCode("INVALID_HEADERS"));
    // @ts-expect-error a time is a Date
    expect(() => createMessage("a", 1, { deliverAt: "2030-01-01" })).toThrow(
      withCode("INVALID_TIME"),
    );
    // @ts-expect-error a delay is a number
    expect(() => createMessage("a", 1, { delayMs: "5" })).toThrow(withCode("INVALID_TIME"));
    // @ts-expect-error a flag is a boolean
    expect(() => createMessage("a", 1, { orderedByKey: 1 })).toThrow(withCode("INVALID_OPTIONS"));
    // @ts-expect-error a name is a string
    expect(() => createMessage(7, 1)).toThrow(withCode("INVALID_NAME"));
  });

  it("keeps its dedup key for five minutes unless told otherwise", () => {
    const message = createMessage("a", 1, { dedupKey: "k" });
    expect(message).toMatchObject({ dedupKey: "k", dedupMs: 300_000 });
    expect(createMessage("a", 1, { dedupKey: "k", dedupMs: 5 }).dedupMs).toBe(5);
    expect(JSON.parse(JSON.stringify(message))).toMatchObject({ dedupKey: "k", dedupMs: 300_000 });
  });

  it("doesn't say on the wire that its publish locks the key", () => {
    const message = createMessage("a", 1, { key: "k", orderedByKey: true });
    expect(message.orderedByKey).toBe(true);
    expect(JSON.stringify(message)).not.toContain("orderedByKey");
    expect(createMessage("a", 1, { key: "k" }).orderedByKey).toBe(false);
  });

  it("is its envelope in JSON", () => {
    const message = createMessage("a.b", new Uint8Array([1]), { id: ID, key: "k" });
    expect(JSON.parse(JSON.stringify(message))).toEqual({
      id: ID,
      name: "a.b",
      topic: "a",
      payload: "AQ==",
      key: "k",
      headers: { "content-type": "application/octet-stream" },
      publishedAt: message.publishedAt.toISOString(),
    });
  });
});
