import { describe, expect, it } from "vitest";
import { decodeEnvelopes } from "../../src/message/envelope.js";
import { withCode } from "./with-code.js";

const REST =
  '"id":"0198c2d0-0000-7000-8000-0000000000ab","name":"a.b","publishedAt":"2026-01-31T10:00:00Z"';

function jsonOf(payload: string): string | undefined {
  return decodeEnvelopes(`{${REST},"payload":${payload}}`)[0]?.json;
}

function old(payload: string): string {
  const meta =
    '{"uuid":"0198c2d0-0000-7000-8000-0000000000ab","published_at":"2026-01-31T10:00:00Z"}';
  return `{"name":"a.b","meta":${meta},"payload":"${Buffer.from(payload).toString("base64")}"}`;
}

describe("the payload's text in an envelope", () => {
  it.each([
    "12345678901234567890",
    "9007199254740993",
    "-0",
    "1.10",
    "0.1000000000000000055511151231257827",
    "1E+2",
    '{"n":[123456789012345678901234567890.5e-7]}',
    '{ "a" : [ 1 ,\n\t2 ] , "b" : { } }',
    '"\\u00e9 \\ud83d\\ude00 \\/"',
    '",\\"payload\\":2"',
    '"\\\\"',
    '{"\\\\\\"}":"]","[{":":,"}',
    '{"__proto__":1,"a:b":{"__proto__":2}}',
    "[]",
    "{}",
    '""',
    "[[],[{}],{},[]]",
  ])("is kept to the letter: %s", (text) => {
    expect(jsonOf(text)).toBe(text);
  });

  it("is that of the right envelope, whatever surrounds it", () => {
    const first = `{"payload" : [1, {"payload":2}] ,${REST}}`;
    const second = ` {"x":"]},{","pay\\u006coad":\n3.0\n, "y":{"payload":4},${REST} } `;
    const messages = decodeEnvelopes(` [${first} ,\n${second},${old(' {"n": 1.0}\n')}] `);
    expect(messages.map(({ json }) => json)).toEqual(['[1, {"payload":2}]', "3.0", '{"n": 1.0}']);
  });

  it("is the last of several, as for every parser of JavaScript", () => {
    const text = `{"payload":1,"payload":2,${REST},"payload":3.0}`;
    expect(decodeEnvelopes(text)[0]?.json).toBe("3.0");
  });

  it.each(['{"a":1,"a":2}', '{"a":"\\u0000","a":1}', '[{"x":{"b":1,"\\u0062":2}}]'])(
    "is refused if an object has a key twice: %s",
    (text) => {
      expect(() => jsonOf(text)).toThrow(withCode("INVALID_ENVELOPE", "has a key twice"));
      expect(() => decodeEnvelopes(old(text))).toThrow(withCode("INVALID_ENVELOPE", "key twice"));
    },
  );

  it("is refused where a JavaScript number can't even come near it", () => {
    expect(() => jsonOf('{"a":1e400}')).toThrow(
      withCode("INVALID_ENVELOPE", "payload.a is not a finite number"),
    );
  });

  it("is found in an endless string, and in endless brackets", () => {
    const text = JSON.stringify('\\"'.repeat(1_000_000));
    expect(jsonOf(text) === text).toBe(true);
    const deep = "[".repeat(500_000) + "]".repeat(500_000);
    expect(() => jsonOf(deep)).toThrow(withCode("INVALID_ENVELOPE", "levels deep"));
    expect(decodeEnvelopes(`{${REST},"payload":1,"x":${deep}}`)[0]?.json).toBe("1");
  });
});
