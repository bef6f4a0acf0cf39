import fc from "fast-check";

/** Any run of UTF-16 units, lone surrogates and NUL among them. */
const units = fc
  .array(fc.integer({ min: 0, max: 0xffff }))
  .map((list) => String.fromCharCode(...list));

export const anyText = fc.oneof(fc.string({ unit: "binary" }), fc.string(), units);

const goodName = fc.stringMatching(/^[A-Za-z0-9_:-][A-Za-z0-9_\-.:]{0,60}$/);

/** Names, and texts that look much like them. */
export const anyName = fc.oneof(
  { weight: 4, arbitrary: goodName },
  fc.tuple(goodName, anyText, goodName).map((parts) => parts.join("")),
  fc.integer({ min: 250, max: 260 }).map((length) => "x".repeat(length)),
  fc.constantFrom("", ".", ".a", "a.", "*", "a.*", "a\n", "é", "__proto__", "constructor"),
  anyText,
);

// JSON has one zero, and PostgreSQL no NUL.
const json = fc.jsonValue({ maxDepth: 5 }).map((value) => JSON.parse(JSON.stringify(value)));

/** Everything that a program can hold, and much that no text can. */
export const anyPayload = fc.oneof(
  json,
  fc.uint8Array(),
  fc.anything({
    withBigInt: true,
    withBoxedValues: true,
    withDate: true,
    withMap: true,
    withNullPrototype: true,
    withObjectString: true,
    withSet: true,
    withSparseArray: true,
    withTypedArray: true,
    values: [fc.anything(), anyText, fc.constant({ toJSON: () => 1 })],
    key: fc.oneof(fc.string(), units, fc.constantFrom("__proto__", "toJSON", "constructor")),
  }),
);

export const anyOptions = fc.record(
  {
    key: anyText,
    headers: fc.dictionary(anyText, anyText, { maxKeys: 3, noNullPrototype: true }),
    deliverAt: fc.date({ min: new Date("0000-01-01"), max: new Date("1999-12-31") }),
  },
  { requiredKeys: [] },
);

const space = fc.constantFrom("", "", "", " ", "\n", "\t ", "\r\n");
const digits = fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }).map(String);
const number = fc.oneof(
  digits,
  fc.tuple(digits, fc.nat()).map(([whole, part]) => `${whole}.${part}`),
  fc.tuple(digits, fc.integer({ min: -400, max: 400 })).map(([n, power]) => `${n}e${power}`),
  fc.constantFrom("-0", "0.10", "1E+2"),
);
const string = anyText.map((text) => JSON.stringify(text));

/** JSON text with white space, and with numbers that a JavaScript number can't hold. */
const jsonText = fc.letrec<{ value: string }>((tie) => ({
  value: fc
    .tuple(
      space,
      fc.oneof(
        { depthSize: "small", withCrossShrink: true },
        fc.oneof(number, string, fc.constantFrom("null", "true", "[]", "{}")),
        fc.array(tie("value"), { maxLength: 4 }).map((items) => `[${items.join(",")}]`),
        fc
          .array(fc.tuple(string, space, tie("value")), { maxLength: 4 })
          .map((fields) => `{${fields.map(([key, gap, v]) => `${key}${gap}:${v}`).join(",")}}`),
      ),
      space,
    )
    .map((parts) => parts.join("")),
})).value;

/** The text of each field of an envelope, mostly a good one. */
const field = (good: fc.Arbitrary<string>) =>
  fc.oneof({ weight: 30, arbitrary: good }, jsonText, fc.constant(undefined));
const quoted = (text: fc.Arbitrary<string>) => text.map((value) => JSON.stringify(value));
// All of them past, so that nothing waits for its time.
const time = fc.oneof(
  fc.date({ noInvalidDate: true, min: new Date("0001-01-01"), max: new Date("1999-12-31") }),
  fc.constant(new Date("0099-01-01")),
);

export const envelopeFields = fc.record({
  id: field(quoted(fc.uuid())),
  name: field(quoted(goodName)),
  topic: fc.oneof(fc.constant(undefined), field(quoted(goodName))),
  key: fc.oneof(fc.constant(undefined), field(quoted(fc.string({ minLength: 1 })))),
  headers: fc.oneof(
    fc.constant(undefined),
    field(fc.dictionary(fc.string({ minLength: 1 }), fc.string()).map((h) => JSON.stringify(h))),
  ),
  payload: field(jsonText),
  publishedAt: field(time.map((date) => JSON.stringify(date))),
  deliverAt: fc.oneof(fc.constant(undefined), field(time.map((date) => JSON.stringify(date)))),
  aFieldOfTomorrow: fc.oneof(fc.constant(undefined), jsonText),
});
