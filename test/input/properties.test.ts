import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createMessage } from "../../src/message/create-message.js";
import { decodeEnvelopes, encodeEnvelopes } from "../../src/message/envelope.js";
import { type ErrorCode, EventsError } from "../../src/message/errors.js";
import type { Message } from "../../src/message/message.js";
import { rows } from "../postgres/support.js";
import { anyName, anyOptions, anyPayload, anyText, envelopeFields } from "./arbitraries.js";
import { postgres } from "./transports.js";

const CASES = 10_000;

/** What became of the cases: `neither` means that a value was changed, or refused without a code. */
interface Tally {
  exact: number;
  refused: number;
  neither: unknown[];
}

/** Runs an action on so many samples. It says whether the result was exact, or refuses with one of the codes. */
function tally<T>(
  what: string,
  codes: readonly ErrorCode[],
  samples: fc.Arbitrary<T>,
  isExact: (sample: T) => boolean,
): Tally {
  const counts: Tally = { exact: 0, refused: 0, neither: [] };
  for (const sample of fc.sample(samples, CASES)) {
    try {
      if (isExact(sample)) counts.exact += 1;
      else counts.neither.push(sample);
    } catch (error) {
      if (error instanceof EventsError && codes.includes(error.code)) counts.refused += 1;
      else counts.neither.push(error);
    }
  }
  const { exact, refused, neither } = counts;
  console.log(`${what}: ${exact} exact, ${refused} refused, ${neither.length} neither`);
  return counts;
}

function expectBoth({ exact, refused, neither }: Tally): void {
  expect(neither.slice(0, 3)).toEqual([]);
  expect(exact).toBeGreaterThan(CASES / 10);
  expect(refused).toBeGreaterThan(CASES / 100);
}

/** What JSON leaves of a value. */
function asJson(value: unknown): unknown {
  if (Object.is(value, -0)) return 0;
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (Array.isArray(value)) return value.map(asJson);
  const entries = Object.entries(value).filter(([, child]) => child !== undefined);
  return Object.fromEntries(entries.map(([key, child]) => [key, asJson(child)]));
}

function isSame(message: Message, other: Message | undefined): boolean {
  const { topic, name, key, json, payload, headers, deliverAt } = message;
  const expected = [topic, name, key, json, payload, headers, deliverAt];
  return isDeepStrictEqual(
    expected,
    other && [
      other.topic,
      other.name,
      other.key,
      other.json,
      other.payload,
      other.headers,
      other.deliverAt,
    ],
  );
}

describe("every input is exact or refused", () => {
  it("names", () => {
    const counts = tally("names", ["INVALID_NAME"], anyName, (name) => {
      const message = createMessage(name, 1);
      const isAllowed = /^(?!\.)[A-Za-z0-9_\-.:]{1,255}$/.test(name) && !name.includes("\n");
      return isAllowed && message.name === name && message.topic === name.split(".")[0];
    });
    expectBoth(counts);
  });

  it("payloads", () => {
    const counts = tally("payloads", ["INVALID_PAYLOAD"], anyPayload, (payload) => {
      const message = createMessage("a.b", payload);
      const [received] = decodeEnvelopes(encodeEnvelopes([message]));
      return isDeepStrictEqual(message.payload, asJson(payload)) && isSame(message, received);
    });
    expectBoth(counts);
  });

  it("texts, keys, headers and times", () => {
    const codes = ["INVALID_PAYLOAD", "INVALID_KEY", "INVALID_HEADERS", "INVALID_TIME"] as const;
    const samples = fc.tuple(anyText, anyOptions);
    const counts = tally("texts and options", codes, samples, ([text, options]) => {
      const message = createMessage("a.b", text, options);
      const [received] = decodeEnvelopes(encodeEnvelopes([message]));
      const { key, headers, deliverAt } = message;
      const given = { key: undefined, headers: {}, deliverAt: undefined, ...options };
      const isGiven = isDeepStrictEqual({ key, headers, deliverAt }, given);
      return message.payload === text && isGiven && isSame(message, received);
    });
    expectBoth(counts);
  });

  it("envelopes", () => {
    const counts = tally("envelopes", ["INVALID_ENVELOPE"], envelopeFields, (fields) => {
      const [message] = decodeEnvelopes(envelope(fields));
      const value = JSON.parse(envelope(fields));
      const [again] = decodeEnvelopes(encodeEnvelopes(message ? [message] : []));
      return (
        message?.json === fields.payload?.trim() &&
        message?.id === value.id.toLowerCase() &&
        message?.name === value.name &&
        message?.key === value.key &&
        message?.publishedAt.getTime() === Date.parse(value.publishedAt) &&
        isDeepStrictEqual(message?.headers, value.headers ?? {}) &&
        isDeepStrictEqual(message?.payload, value.payload) &&
        isSame(message, again)
      );
    });
    expectBoth(counts);
  });

  it("bodies that are no envelopes", () => {
    const counts = tally("bodies", ["INVALID_ENVELOPE"], fc.oneof(anyText, fc.json()), (text) => {
      return decodeEnvelopes(text).length === 0 && JSON.parse(text).length === 0;
    });
    expect(counts.neither).toEqual([]);
  });
});

function envelope(fields: Record<string, string | undefined>): string {
  const present = Object.entries(fields).filter(([, text]) => text !== undefined);
  return `{${present.map(([name, text]) => `"${name}":${text}`).join(",")}}`;
}

describe("what was accepted", () => {
  let transport: Awaited<ReturnType<typeof postgres>>;
  beforeAll(async () => {
    transport = await postgres();
  });
  afterAll(() => transport.close());

  it("is stored by Postgres as it was made, in batches, and received so", async () => {
    const { publisher, pool, received, waitFor } = transport;
    const samples = fc.sample(fc.tuple(anyPayload, anyOptions), CASES);
    const created = samples.flatMap(([payload, options]) => toMessages(payload, options));
    const envelopes = fc.sample(envelopeFields, CASES / 50).flatMap(decoded);
    const messages = [...created, ...envelopes];
    expect(created.length).toBeGreaterThan(CASES / 10);
    expect(envelopes.length).toBeGreaterThan(CASES / 200);

    await publisher.publishMany(messages);
    const stored = await rows(
      pool,
      "select id, payload::text as json from opinionated_events.message order by position",
    );
    expect(stored.length).toBe(messages.length);
    const isStored = ({ id, json }: Message, n: number) =>
      stored[n].id === id && stored[n].json === json;
    expect(messages.filter((message, n) => !isStored(message, n))).toEqual([]);

    await waitFor(messages);
    const changed = messages.filter((message) => !isSame(message, received.get(message.id)));
    expect(changed).toEqual([]);
    console.log(`through Postgres: ${messages.length} exact, ${changed.length} not`);
  });
});

function toMessages(
  ...[payload, options]: [unknown, Parameters<typeof createMessage>[2]]
): Message[] {
  return accepted(() => [createMessage("a.b", payload, options)]);
}

function decoded(fields: Record<string, string | undefined>): Message[] {
  return accepted(() => decodeEnvelopes(envelope(fields)));
}

function accepted(make: () => Message[]): Message[] {
  try {
    return make();
  } catch (error) {
    if (error instanceof EventsError) return [];
    throw error;
  }
}
