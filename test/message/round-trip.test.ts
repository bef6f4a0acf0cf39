import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodePayload, encodePayload } from "../../src/message/codec.js";
import { createMessage } from "../../src/message/create-message.js";
import { decodeEnvelopes, encodeEnvelopes } from "../../src/message/envelope.js";
import { EventsError } from "../../src/message/errors.js";

const RUNS = { numRuns: 2_000 };

// JSON has one zero.
const json = fc
  .jsonValue({ maxDepth: 6 })
  .map((value) => JSON.parse(JSON.stringify(value)) as unknown);

const anyText = fc.string({ unit: "binary" });
const units = fc
  .array(fc.integer({ min: 0, max: 0xffff }))
  .map((list) => String.fromCharCode(...list));

/** Everything that a program can hold, and then some that no text can. */
const anything = fc.anything({
  withBigInt: true,
  withBoxedValues: true,
  withDate: true,
  withMap: true,
  withNullPrototype: true,
  withObjectString: true,
  withSet: true,
  withSparseArray: true,
  withTypedArray: true,
  withUnicodeString: true,
  values: [fc.anything(), units, fc.constant({ toJSON: () => 1 })],
  key: fc.oneof(fc.string(), units, fc.constant("__proto__"), fc.constant("toJSON")),
});

/** What JSON makes of a value; what can't be exact is refused before. */
function withoutUndefined(value: unknown): unknown {
  if (Object.is(value, -0)) return 0;
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map(withoutUndefined);
  const entries = Object.entries(value).filter(([, child]) => child !== undefined);
  return Object.fromEntries(entries.map(([key, child]) => [key, withoutUndefined(child)]));
}

function attempt<T>(action: () => T): T | EventsError {
  try {
    return action();
  } catch (error) {
    if (error instanceof EventsError) return error;
    throw error;
  }
}

describe("the codec", () => {
  it("keeps every JSON value without NUL", () => {
    fc.assert(
      fc.property(json, (value) => {
        fc.pre(!JSON.stringify(value).includes("\\u0000"));
        const encoded = encodePayload(value, {});
        expect(decodePayload(encoded.json, encoded.headers)).toStrictEqual(value);
      }),
      RUNS,
    );
  });

  it("gives anything back exactly, or refuses it", () => {
    let kept = 0;
    let refused = 0;
    fc.assert(
      fc.property(anything, (value) => {
        const encoded = attempt(() => encodePayload(value, {}));
        if (encoded instanceof EventsError) {
          refused += 1;
          expect(encoded.code).toBe("INVALID_PAYLOAD");
          return;
        }
        kept += 1;
        const decoded = decodePayload(encoded.json, encoded.headers);
        expect(decoded).toStrictEqual(withoutUndefined(value));
        expect(Buffer.from(encoded.json, "utf8").toString("utf8")).toBe(encoded.json);
        expect(encoded.json).not.toMatch(/(?<!\\)(\\\\)*\\u(0000|d[89a-f])/i);
      }),
      RUNS,
    );
    expect(kept).toBeGreaterThan(100);
    expect(refused).toBeGreaterThan(100);
  });

  it("keeps every text, or refuses it", () => {
    fc.assert(
      fc.property(fc.oneof(anyText, units), (text) => {
        const encoded = attempt(() => encodePayload(text, {}));
        const storable = !/\p{Surrogate}/u.test(text) && !text.includes("\0");
        expect(encoded instanceof EventsError).toBe(!storable);
        if (!(encoded instanceof EventsError)) expect(JSON.parse(encoded.json)).toBe(text);
      }),
      RUNS,
    );
  });

  it("keeps all bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const encoded = encodePayload(bytes, {});
        expect(decodePayload(encoded.json, encoded.headers)).toStrictEqual(bytes);
      }),
      RUNS,
    );
  });
});

describe("an envelope", () => {
  const storable = fc.string({ unit: "binary" }).filter((text) => !text.includes("\0"));
  const filled = storable.filter((text) => text.length > 0);
  const year = { min: new Date("0001-01-01T00:00:00Z"), max: new Date("9999-12-31T23:59:59Z") };
  const options = fc.record(
    {
      id: fc.uuid(),
      topic: fc.stringMatching(/^[A-Za-z0-9_\-.:]{1,40}$/),
      key: filled,
      headers: fc.dictionary(
        filled.filter((name) => name !== "content-type"),
        storable,
      ),
      deliverAt: fc.date({ ...year, noInvalidDate: true }),
    },
    { requiredKeys: [] },
  );
  const name = fc.stringMatching(/^[A-Za-z0-9_:-]{1,20}\.[A-Za-z0-9_\-.:]{0,40}$/);
  const payload = fc.oneof(json, fc.uint8Array());

  it("carries every message", () => {
    let sent = 0;
    fc.assert(
      fc.property(fc.array(fc.tuple(name, payload, options), { maxLength: 5 }), (list) => {
        const messages = list.flatMap((args) => {
          const message = attempt(() => createMessage(...args));
          return message instanceof EventsError ? [] : [message];
        });
        sent += messages.length;
        const text = encodeEnvelopes(messages);
        expect(JSON.parse(text)).toStrictEqual(JSON.parse(JSON.stringify(messages)));
        const received = decodeEnvelopes(text);
        expect(received).toHaveLength(messages.length);
        for (const [index, message] of messages.entries()) {
          const other = received[index];
          expect(other?.json).toBe(message.json);
          expect(other?.payload).toStrictEqual(message.payload);
          expect(other?.headers).toStrictEqual(message.headers);
          expect(other?.toJSON()).toStrictEqual(message.toJSON());
        }
      }),
      RUNS,
    );
    expect(sent).toBeGreaterThan(1_000);
  });

  it("is decoded or refused, whatever it is", () => {
    fc.assert(
      fc.property(fc.oneof(anyText, fc.json()), (text) => {
        const result = attempt(() => decodeEnvelopes(text));
        if (result instanceof EventsError) expect(result.code).toBe("INVALID_ENVELOPE");
        else expect(result).toEqual([]);
      }),
      RUNS,
    );
  });
});
