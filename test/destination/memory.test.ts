import { expect, test } from "vitest";
import { memoryDestination } from "../../src/destination/memory.js";
import { createMessage } from "../../src/message/create-message.js";
import type { Message } from "../../src/message/message.js";

const [a, b, c] = ["a.x", "b.x", "c.x"].map((name) => createMessage(name, {})) as [
  Message,
  Message,
  Message,
];
const { signal } = new AbortController();

test("keeps what it gets in order, each id once, and says which is which", async () => {
  const memory = memoryDestination();
  expect(await memory.deliver([a, b], { signal })).toEqual([
    { status: "stored" },
    { status: "stored" },
  ]);
  expect(await memory.deliver([c, b, c], { signal })).toEqual([
    { status: "stored" },
    { status: "duplicate" },
    { status: "duplicate" },
  ]);
  expect(memory.messages).toEqual([a, b, c]);
  expect(memory.capabilities).toEqual({ ordered: true });
});

test("tells subscribers of what is new", async () => {
  const memory = memoryDestination();
  await memory.deliver([a], { signal });
  const told: (readonly Message[])[] = [];
  memory.subscribe((messages) => told.push(messages));
  await memory.deliver([a, b, c], { signal });
  await memory.deliver([b], { signal });
  expect(told).toEqual([[b, c]]);
});

test("the same listener twice is two subscriptions, each ended by itself", async () => {
  const memory = memoryDestination();
  let calls = 0;
  const listener = () => {
    calls += 1;
  };
  const first = memory.subscribe(listener);
  memory.subscribe(listener);
  first();
  first();
  await memory.deliver([a], { signal });
  expect(calls).toBe(1);
});

test("clear forgets messages and ids", async () => {
  const memory = memoryDestination();
  await memory.deliver([a], { signal });
  memory.clear();
  expect(memory.messages).toEqual([]);
  expect(await memory.deliver([a], { signal })).toEqual([{ status: "stored" }]);
});
