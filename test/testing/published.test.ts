import { expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { memoryDestination } from "../../src/destination/memory.js";
import { createMessage } from "../../src/message/create-message.js";
import { defineEvent } from "../../src/message/event.js";
import { published } from "../../src/testing.js";

const { signal } = new AbortController();
const toNumber = z.string().transform(Number);
const userCreated = defineEvent("user.created", z.object({ id: toNumber }));
const userDeleted = defineEvent("user.deleted", z.object({ id: z.string() }));
const moved = defineEvent("user.created", z.object({ id: z.string() }), { topic: "elsewhere" });

test("gives the messages of one event, with their payloads as given", async () => {
  const destination = memoryDestination();
  const [first, second] = [userCreated({ id: "1" }, { key: "1" }), userCreated({ id: "2" })];
  await destination.deliver([first, userDeleted({ id: "1" }), moved({ id: "3" }), second], {
    signal,
  });
  const messages = published(destination, userCreated);
  expect(messages).toEqual([first, second]);
  expect(messages.map(({ payload }) => payload)).toEqual([{ id: "1" }, { id: "2" }]);
  expectTypeOf(messages[0]?.payload).toEqualTypeOf<{ id: string } | undefined>();
});

test("refuses what was published past the definition", async () => {
  const destination = memoryDestination();
  await destination.deliver([createMessage("user.created", { id: 1 })], { signal });
  expect(() => published(destination, userCreated)).toThrow(
    expect.objectContaining({ code: "INVALID_PAYLOAD" }),
  );
});
