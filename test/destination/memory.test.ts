import { expect, test } from "vitest";
import { memoryDestination } from "../../src/destination/memory.js";
import { createMessage } from "../../src/message/create-message.js";
import type { Message } from "../../src/message/message.js";
import { fakeClock } from "../../src/testing/fake-clock.js";

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
  expect(memory.capabilities).toEqual({ ordered: true, dedupKeys: true });
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

test("clear forgets messages, ids and dedup keys", async () => {
  const memory = memoryDestination();
  const keyed = () => createMessage("a.x", {}, { dedupKey: "k" });
  await memory.deliver([a, keyed()], { signal });
  memory.clear();
  expect(memory.messages).toEqual([]);
  expect(await memory.deliver([a, keyed()], { signal })).toEqual([
    { status: "stored" },
    { status: "stored" },
  ]);
});

test("the window of a dedup key goes by the clock of the destination", async () => {
  const clock = fakeClock();
  const memory = memoryDestination({ clock });
  const publish = async (dedupMs?: number) => {
    const message = createMessage("a.x", {}, { dedupKey: "k", dedupMs });
    const [result] = (await memory.deliver([message], { signal })) ?? [];
    return result?.status;
  };
  expect([await publish(), await publish(0)]).toEqual(["stored", "duplicate"]);
  await clock.advance(299_999);
  expect(await publish()).toBe("duplicate");
  await clock.advance(1);
  expect([await publish(1_000), await publish()]).toEqual(["stored", "duplicate"]);
  await clock.advance(1_000);
  expect(await publish()).toBe("stored");
  expect(memory.messages[0]).toMatchObject({ dedupKey: "k", dedupMs: 300_000 });
});
