import { expect, test, vi } from "vitest";
import type { Pin } from "../../../src/postgres/retention.js";
import { pinWarner } from "../../../src/source/postgres/pin-warner.js";

const slow: Pin = { queue: "slow", topic: "user", why: "unread" };
const busy: Pin = { queue: "busy", topic: "user", why: "leased" };

test("warns once of who is in the way for a minute without a break", () => {
  const warn = vi.fn();
  const logger = { debug: vi.fn(), info: vi.fn(), warn, error: vi.fn() };
  let now = 0;
  const told = pinWarner(logger, () => now);
  const at = (ms: number, ...pins: Pin[]) => {
    now = ms;
    told(pins);
    return warn.mock.calls.splice(0).map(([fields]) => fields.queue);
  };
  expect(at(0, slow, busy)).toEqual([]);
  expect(at(30_000, slow)).toEqual([]);
  expect(at(59_999, slow, busy)).toEqual([]);
  expect(at(60_000, slow, busy)).toEqual(["slow"]);
  expect(at(120_000, slow, busy)).toEqual(["busy"]);
  expect(at(121_000)).toEqual([]);
  expect(at(122_000, slow)).toEqual([]);
  expect(at(182_000, slow)).toEqual(["slow"]);
});
