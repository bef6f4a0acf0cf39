import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeEnvelopes } from "../../src/message/envelope.js";
import type { EventsError } from "../../src/message/errors.js";
import { type Engine, engine } from "./support.js";

let db: Engine;
beforeAll(async () => {
  db = await engine();
});
afterAll(() => db.close());

const ID = "0198c2d0-0000-7000-8000-0000000000ab";
const nested = (levels: number) => `${"[".repeat(levels)}${"]".repeat(levels)}`;

/** Fields of an envelope as JSON text, and the code with which both sides refuse it; undefined if they take it. */
const cases: [string, Record<string, string>, string?][] = [
  ["a plain name", { name: '"user.created"' }],
  ["the longest name", { name: `"${"x".repeat(255)}"` }],
  ["every character that a name may have", { name: '"Az09_-.:"' }],
  ["a name too long", { name: `"${"x".repeat(256)}"` }, "INVALID_NAME"],
  ["an empty name", { name: '""' }, "INVALID_NAME"],
  ["a name with a space", { name: '"a b"' }, "INVALID_NAME"],
  ["a name that ends in a line break", { name: '"a\\n"' }, "INVALID_NAME"],
  ["a pattern for a name", { name: '"user.*"' }, "INVALID_NAME"],
  ["a letter beyond ASCII", { name: '"\u00fcser"' }, "INVALID_NAME"],
  ["a name without a topic", { name: '".created"' }, "INVALID_NAME"],
  ["a name without a topic, which is given", { name: '".created"', topic: '"user"' }],
  ["an empty topic", { topic: '""' }, "INVALID_NAME"],
  ["a bad topic", { topic: '"a/b"' }, "INVALID_NAME"],
  ["an id", { id: `"${ID.toUpperCase()}"` }],
  ["an id that is no UUID", { id: '"1"' }, "INVALID_ID"],
  ["the nil UUID", { id: '"00000000-0000-0000-0000-000000000000"' }, "INVALID_ID"],
  ["the max UUID", { id: '"ffffffff-ffff-ffff-ffff-ffffffffffff"' }, "INVALID_ID"],
  ["the longest key", { key: `"${"k".repeat(1_000)}"` }],
  ["a key too long", { key: `"${"k".repeat(1_001)}"` }, "INVALID_KEY"],
  [
    "the longest key of characters that JavaScript counts twice",
    { key: `"${"\u{1f600}".repeat(500)}"` },
  ],
  ["one of them more", { key: `"${"\u{1f600}".repeat(500)}x"` }, "INVALID_KEY"],
  ["an empty key", { key: '""' }, "INVALID_KEY"],
  ["a dedup key", { dedupKey: '"k"' }],
  ["the longest dedup key", { dedupKey: `"${"k".repeat(1_000)}"` }],
  ["a dedup key too long", { dedupKey: `"${"k".repeat(1_001)}"` }, "INVALID_KEY"],
  ["an empty dedup key", { dedupKey: '""' }, "INVALID_KEY"],
  ["a window of part of a millisecond", { dedupKey: '"k"', dedupMs: "0.5" }],
  ["no window", { dedupKey: '"k"', dedupMs: "0" }],
  ["a negative window", { dedupKey: '"k"', dedupMs: "-1" }, "INVALID_TIME"],
  ["a window without end", { dedupKey: '"k"', dedupMs: "1e15" }, "INVALID_TIME"],
  ["a window beyond any number", { dedupKey: '"k"', dedupMs: "1e999" }, "INVALID_TIME"],
  ["a window without a dedup key", { dedupMs: "-1" }],
  ["headers", { headers: '{"a": "b", "c": ""}' }],
  ["headers that are a list", { headers: '["a"]' }, "INVALID_HEADERS"],
  ["a header without a name", { headers: '{"": "b"}' }, "INVALID_HEADERS"],
  ["a header that is a number", { headers: '{"a": 1}' }, "INVALID_HEADERS"],
  ["a header that is null", { headers: '{"a": null}' }, "INVALID_HEADERS"],
  ["a time with an offset", { deliverAt: '"2030-01-31T10:00:00.5+02:00"' }],
  ["a time without an offset", { deliverAt: '"2030-01-31T10:00:00"' }, "INVALID_TIME"],
  ["a day", { deliverAt: '"2030-01-31"' }, "INVALID_TIME"],
  ["a month that is none", { deliverAt: '"2030-13-31T10:00:00Z"' }, "INVALID_TIME"],
  ["the year 0", { deliverAt: '"0000-01-01T00:00:00Z"' }, "INVALID_TIME"],
  ["a word for a time", { deliverAt: '"infinity"' }, "INVALID_TIME"],
  ["null for a payload", { payload: "null" }],
  [
    "escapes of characters",
    { payload: '["\\u00fc\\ud83d\\ude00", {"\\u00fc": "\\\\u0000 \\\\ud800"}]' },
  ],
  ["NUL", { payload: '"a\\u0000b"' }, "INVALID_PAYLOAD"],
  ["NUL behind a backslash", { payload: '"\\\\\\u0000"' }, "INVALID_PAYLOAD"],
  ["NUL in a key of the payload", { payload: '{"\\u0000": 1}' }, "INVALID_PAYLOAD"],
  ["the first half of a pair", { payload: '"\\ud83d!"' }, "INVALID_PAYLOAD"],
  ["the second half of a pair", { payload: '"\\ude00"' }, "INVALID_PAYLOAD"],
  ["a pair that is torn", { payload: '"\\ud83d\\\\\\ude00"' }, "INVALID_PAYLOAD"],
  ["a pair in the wrong order", { payload: '"\\uDE00\\uD83D"' }, "INVALID_PAYLOAD"],
  ["the greatest number", { payload: "[1.7976931348623157e308, -1.7976931348623157e+308]" }],
  ["a long number", { payload: "1".repeat(309) }],
  ["a number too great", { payload: '{"a": [1e309 ]}' }, "INVALID_PAYLOAD"],
  ["a number too small", { payload: "-1E+400" }, "INVALID_PAYLOAD"],
  ["a number beyond any type", { payload: "[1e999999]" }, "INVALID_PAYLOAD"],
  ["a number of too many digits", { payload: `[${"9".repeat(310)}]` }, "INVALID_PAYLOAD"],
  ["what looks like such a number", { payload: `["1e999", "${"9".repeat(310)}"]` }],
  ["the deepest payload", { payload: nested(1_000) }],
  ["a payload too deep", { payload: nested(1_001) }, "INVALID_PAYLOAD"],
  ["a long payload", { payload: `[${"[],".repeat(2_000)}1]` }],
  ["bytes", { payload: '"AQ=="', headers: '{"content-type": "image/png"}' }],
  ["many bytes", { payload: `"${"AAAA".repeat(100)}"`, headers: '{"content-type": "image/png"}' }],
  ["no bytes", { payload: '""', headers: '{"content-type": "image/png"}' }],
  [
    "a kind of JSON",
    { payload: "{}", headers: '{"content-type": " application/Problem+JSON; q=1"}' },
  ],
  [
    "what is no base64",
    { payload: '"A"', headers: '{"content-type": "image/png"}' },
    "INVALID_PAYLOAD",
  ],
  [
    "base64 with a space",
    { payload: '"AQ= ="', headers: '{"content-type": "image/png"}' },
    "INVALID_PAYLOAD",
  ],
  [
    "base64 with bits too many",
    { payload: '"AR=="', headers: '{"content-type": "image/png"}' },
    "INVALID_PAYLOAD",
  ],
  [
    "an object for bytes",
    { payload: "{}", headers: '{"content-type": "text/plain"}' },
    "INVALID_PAYLOAD",
  ],
];

/** The code with which the TypeScript side refuses the envelope. */
function codeInTypeScript(fields: Record<string, string>): string | undefined {
  const published = { id: `"${ID}"`, publishedAt: '"2026-01-01T00:00:00Z"', ...fields };
  try {
    decodeEnvelopes(`{${Object.entries(published).map(([k, v]) => `"${k}":${v}`)}}`);
    return undefined;
  } catch (error) {
    return ((error as EventsError).cause as EventsError).code;
  }
}

async function codeInSql(text: string, values: unknown[]): Promise<string | undefined> {
  const client = await db.pool.connect();
  try {
    await client.query("begin");
    await client.query(text, values);
    return undefined;
  } catch (error) {
    const { code, detail, hint, message } = error as Record<string, string>;
    expect(code, message).toBe("22023");
    expect(hint).toMatch(/^(Use|Give) /);
    return detail;
  } finally {
    await client.query("rollback");
    client.release();
  }
}

describe("SQL refuses what TypeScript refuses, and takes what it takes:", () => {
  it.each(cases)("%s", async (_, fields, code) => {
    const { payload = "1" } = fields;
    const message = { name: '"a.b"', payload, ...fields };
    expect(codeInTypeScript(message)).toBe(code);
    const list = `[{${Object.entries(message).map(([field, json]) => `"${field}":${json}`)}}]`;
    // Where an escape stands for no text, nothing of the whole envelope can be read.
    const inList = code && payload.includes("\\u") ? "INVALID_ENVELOPE" : code;
    expect(await codeInSql("select opinionated_events.publish_many($1)", [list])).toBe(inList);
    if (fields.deliverAt === undefined && fields.id !== '"1"')
      expect(await codeInSql(publish, parameters(message))).toBe(code);
  });

  it("other fields than those of a message, and what is no message", async () => {
    const publishMany = "select opinionated_events.publish_many($1)";
    for (const list of [
      '{"name": "a", "payload": 1}',
      '["a"]',
      "null",
      "[null]",
      '[{"name": "a", "payload": 1, "deliver_at": "2030-01-31T10:00:00Z"}]',
      '[{"name": "a\\u0000", "payload": 1}]',
      "no JSON",
    ]) {
      expect(await codeInSql(publishMany, [list]), list).toBe("INVALID_ENVELOPE");
    }
    expect(await codeInSql(publishMany, ['[{"payload": 1}]'])).toBe("INVALID_NAME");
    expect(await codeInSql(publishMany, ['[{"name": "a"}]'])).toBe("INVALID_PAYLOAD");
    const ordered = "select opinionated_events.publish_many($1, ordered_by_key => true)";
    expect(await codeInSql(ordered, ['[{"name": "a", "payload": 1}]'])).toBe("INVALID_KEY");
    const text = '[{"name": "a", "payload": 1, "dedupKey": "k", "dedupMs": "5"}]';
    expect(await codeInSql(publishMany, [text])).toBe("INVALID_TIME");
  });

  it("arguments that are no JSON, times that are no times, and no payload", async () => {
    const refused = (text: string) => codeInSql(`select opinionated_events.publish(${text})`, []);
    expect(await refused("'a', '{'")).toBe("INVALID_PAYLOAD");
    expect(await refused("'a', row(1)")).toBe("INVALID_PAYLOAD");
    expect(await refused("'a', 1")).toBe("INVALID_PAYLOAD");
    expect(await refused("'a', null")).toBe("INVALID_PAYLOAD");
    expect(await refused("null, '1'")).toBe("INVALID_NAME");
    expect(await refused("'a', '1', headers => 'x'")).toBe("INVALID_HEADERS");
    expect(await refused("'a', '1', headers => 'null'")).toBe("INVALID_HEADERS");
    expect(await refused("'a', '1', deliver_at => 'infinity'")).toBe("INVALID_TIME");
    expect(await refused("'a', '1', deliver_at => '0044-03-15 BC'")).toBe("INVALID_TIME");
    expect(await refused("'a', '1', deliver_at => '10000-01-01'")).toBe("INVALID_TIME");
    expect(await refused("'a', '1', dedup_key => 'k', dedup_ms => 'NaN'")).toBe("INVALID_TIME");
    expect(await refused("'a', '1', ordered_by_key => true")).toBe("INVALID_KEY");
  });
});

const publish =
  "select opinionated_events.publish($1, $2, topic => $3, key => $4, headers => $5, id => $6, dedup_key => $7, dedup_ms => $8)";

/** But for a time: a timestamptz and a uuid refuse by themselves what is none. */
function parameters(message: Record<string, string>): unknown[] {
  const text = (field: string) => JSON.parse(message[field] ?? "null");
  const plain = [text("name"), message.payload, text("topic"), text("key"), message.headers];
  return [...plain, text("id"), text("dedupKey"), text("dedupMs")];
}
