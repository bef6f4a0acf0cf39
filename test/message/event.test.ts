import type { StandardSchemaV1 } from "@standard-schema/spec";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { SchemaError } from "../../src/message/errors.js";
import { defineEvent } from "../../src/message/event.js";
import type { Message } from "../../src/message/message.js";
import { withCode } from "./with-code.js";

const ID = "0198c2d0-0000-7000-8000-0000000000ab";

const userCreated = defineEvent(
  "user.created",
  z.object({ id: z.string(), at: z.iso.datetime().transform((text) => new Date(text)) }),
);

function schemaOf(validate: StandardSchemaV1["~standard"]["validate"]): StandardSchemaV1 {
  return { "~standard": { version: 1, vendor: "test", validate } };
}

describe("defineEvent", () => {
  it("has the name, the topic and the schema", () => {
    expect(userCreated.name).toBe("user.created");
    expect(userCreated.topic).toBe("user");
    expect(defineEvent("a.b", z.string(), { topic: "c" }).topic).toBe("c");
    const schema = z.string();
    expect(defineEvent("a.b", schema).schema).toBe(schema);
  });

  it("makes messages of the schema's input", () => {
    const payload = { id: "1", at: "2026-01-31T10:00:00Z", unknown: true };
    const message = userCreated(payload, { id: ID, key: "1", headers: { a: "b" }, delayMs: 5 });
    expect(message).toMatchObject({ id: ID, name: "user.created", topic: "user", key: "1" });
    expect(message).toMatchObject({ headers: { a: "b" }, delayMs: 5 });
    expect(message.json).toBe(JSON.stringify(payload));
  });

  it("makes messages of its topic", () => {
    expect(defineEvent("a.b", z.number(), { topic: "c" })(1).topic).toBe("c");
  });

  it("makes messages that are ordered by key, which need one", () => {
    const event = defineEvent("a.b", z.number(), { orderedByKey: true });
    expect(event(1, { key: "k" }).orderedByKey).toBe(true);
    expect(() => event(1)).toThrow(withCode("INVALID_KEY"));
    // @ts-expect-error a flag is a boolean
    const define = () => defineEvent("a.b", z.number(), { orderedByKey: "yes" });
    expect(define).toThrow(withCode("INVALID_OPTIONS"));
    // @ts-expect-error the order belongs to the event
    expect(() => event(1, { key: "k", orderedByKey: false })).toThrow(withCode("INVALID_OPTIONS"));
  });

  it("parses to the schema's output", () => {
    const message = userCreated({ id: "1", at: "2026-01-31T10:00:00Z" });
    expect(userCreated.parse(message.payload)).toEqual({
      id: "1",
      at: new Date("2026-01-31T10:00:00Z"),
    });
  });

  it("refuses what the schema refuses, with the places and without the values", () => {
    const event = defineEvent("a.b", z.object({ items: z.array(z.object({ price: z.number() })) }));
    // @ts-expect-error a price is a number
    const publish = () => event({ items: [{ price: 1 }, { price: "4111" }] });
    expect(publish).toThrow(SchemaError);
    expect(publish).toThrow(withCode("INVALID_PAYLOAD", "a.b"));
    expect(publish).toThrow(withCode("INVALID_PAYLOAD", "payload.items.1.price"));
    expect(() => event.parse(7)).toThrow(withCode("INVALID_PAYLOAD", "schema at payload;"));
  });

  it("shows what the schema found only to those who ask", () => {
    const issue = { message: 'expected a card, received "4111"', path: [{ key: "card" }, 0] };
    const event = defineEvent(
      "a.b",
      schemaOf(() => ({ issues: [issue] })),
    );
    const error = catchError(() => event.parse(1));
    expect(error).toBeInstanceOf(SchemaError);
    expect((error as SchemaError).issues).toEqual([issue]);
    expect((error as SchemaError).message).toContain("payload.card.0");
    expect(JSON.stringify(error)).not.toContain("4111");
    expect((error as SchemaError).stack).not.toContain("4111");
  });

  it("refuses an async schema on both sides, and survives its rejection", async () => {
    const event = defineEvent(
      "a.b",
      schemaOf(() => Promise.reject(new Error("later"))),
    );
    expect(() => event(1)).toThrow(withCode("ASYNC_SCHEMA", "a.b"));
    expect(() => event.parse(1)).toThrow(withCode("ASYNC_SCHEMA", "a.b"));
    const refined = defineEvent(
      "a.b",
      z.string().refine(async () => true),
    );
    expect(() => refined("x")).toThrow(withCode("ASYNC_SCHEMA"));
    // An unhandled rejection would be reported by now, and fail the run.
    await new Promise(setImmediate);
  });

  it("says which schema threw", () => {
    const cause = new Error("bug");
    const event = defineEvent(
      "a.b",
      schemaOf(() => {
        throw cause;
      }),
    );
    expect(() => event(1)).toThrow(expect.objectContaining({ code: "INVALID_PAYLOAD", cause }));
  });

  it("refuses what the schema lets through and JSON does not", () => {
    expect(() => defineEvent("a.b", z.object({ at: z.date() }))({ at: new Date() })).toThrow(
      withCode("INVALID_PAYLOAD", "payload.at is an instance of Date"),
    );
  });

  it("refuses a pattern, a name without a topic, and what is no schema", () => {
    expect(() => defineEvent("user.*", z.string())).toThrow(withCode("INVALID_NAME"));
    expect(() => defineEvent("*", z.string())).toThrow(withCode("INVALID_NAME"));
    expect(() => defineEvent(".b", z.string())).toThrow(withCode("INVALID_NAME"));
    expect(() => defineEvent("a", z.string(), { topic: "" })).toThrow(withCode("INVALID_NAME"));
    // @ts-expect-error not a schema
    expect(() => defineEvent("a.b", {})).toThrow(withCode("INVALID_OPTIONS", "a.b"));
    // @ts-expect-error not a schema
    expect(() => defineEvent("a.b")).toThrow(withCode("INVALID_OPTIONS", "a.b"));
    // @ts-expect-error there is no such option
    expect(() => defineEvent("a.b", z.string(), { queue: "q" })).toThrow(
      withCode("INVALID_OPTIONS", "queue"),
    );
    // @ts-expect-error the topic belongs to the event
    expect(() => defineEvent("a.b", z.string())("x", { topic: "c" })).toThrow(
      withCode("INVALID_OPTIONS", "topic"),
    );
  });
});

describe("the types of an event", () => {
  it("are those of its name, the schema's input and its output", () => {
    const name: "user.created" = userCreated.name;
    const message: Message<{ id: string; at: string }> = userCreated({
      id: "1",
      at: "2026-01-31T10:00:00Z",
    });
    const at: Date = userCreated.parse(message.payload).at;
    expect([name, at]).toEqual(["user.created", new Date("2026-01-31T10:00:00Z")]);
    // @ts-expect-error a property is missing
    expect(() => userCreated({ id: "1" })).toThrow(SchemaError);
    // @ts-expect-error the input is a text, the output a Date
    expect(() => userCreated({ id: "1", at: new Date() })).toThrow(SchemaError);
    // @ts-expect-error the name is not any text
    const other: "user.deleted" = userCreated.name;
    expect(other).toBe("user.created");
  });
});

function catchError(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error("Nothing was thrown.");
}
