import { expect, test } from "vitest";
import type { KafkaMessage, KafkaRecord } from "../../src/kafka/client.js";
import {
  newHistory,
  readDeath,
  readDueAt,
  readHistory,
  toDead,
  toRetry,
  withFailure,
} from "../../src/kafka/history.js";

const record: KafkaMessage = {
  key: Buffer.from("k"),
  value: Buffer.of(0, 255),
  headers: { trace: Buffer.from("t"), "oe-id": "x", raw: Buffer.of(255), many: ["a", "b"] },
  offset: "7",
  timestamp: "0",
};
const error = { code: "HANDLER_FAILED", message: "no luck", stack: "at home" };
const back = ({ key, value, headers }: KafkaRecord) =>
  ({ key, value, headers, offset: "9", timestamp: "0" }) as KafkaMessage;

test("goes through a retry topic and back, and leaves key, value and headers byte for byte", () => {
  const once = withFailure(newHistory("q", "orders/0/7"), new Date(), error);
  const retry = toRetry(record, once, new Date("2026-01-02T03:04:05.006Z"));
  expect([retry.key, retry.value]).toEqual([record.key, record.value]);
  expect(retry.headers).toMatchObject(record.headers ?? {});
  expect(readHistory(retry)).toEqual(once);
  expect(readDueAt(retry)).toBe(Date.parse("2026-01-02T03:04:05.006Z"));
  expect(readDeath(retry)).toBeUndefined();
});

test("counts the attempts, keeps the last 20 failures, and when the first one was", () => {
  let history = newHistory("q", "orders/0/7");
  for (let n = 1; n <= 25; n += 1) {
    history = withFailure(history, new Date(), { code: "X", message: `failure ${n}` });
  }
  expect(history.attempts).toBe(25);
  expect(history.failures.map(({ attempt }) => attempt)).toEqual(
    Array.from({ length: 20 }, (_, n) => n + 6),
  );
  expect(history.firstFailedAt).toBeDefined();
});

test("says in a fail topic why and when, and no more of it when it is retried", () => {
  const history = newHistory("q", "orders/0/7");
  const diedAt = new Date("2026-01-02T03:04:05.006Z");
  const dead = back(toDead(record, history, { reason: error, diedAt }));
  expect(readDeath(dead)).toEqual({ reason: error, diedAt });
  expect(readDeath(toRetry(dead, history, diedAt))).toBeUndefined();
});

test("cuts long texts, which would not fit the broker's limit", () => {
  const long = { code: "X", message: "m".repeat(50_000), stack: "s".repeat(50_000) };
  const dead = toDead(record, newHistory("q", ""), { reason: long, diedAt: new Date() });
  expect(String(dead.headers["oe-reason"]).length).toBeLessThan(6_000);
});

test("of a record that has none is none, and one that can't be read is an error", () => {
  expect(readHistory(record)).toBeUndefined();
  expect(() => readHistory({ headers: { "oe-queue": "q", "oe-failures": "{" } })).toThrow(
    expect.objectContaining({ code: "INVALID_ENVELOPE" }),
  );
});
