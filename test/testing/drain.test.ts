import { setTimeout } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { memoryDestination } from "../../src/destination/memory.js";
import { createMessage } from "../../src/message/create-message.js";
import { fatal } from "../../src/receiver/failure.js";
import type { HandlerContext } from "../../src/receiver/handler.js";
import { withLimit } from "../../src/receiver/middleware/limit.js";
import { Receiver } from "../../src/receiver/receiver.js";
import { memorySource } from "../../src/source/memory.js";
import { drain, fakeClock } from "../../src/testing.js";
import { deferred, silent } from "../receiver/support.js";

const clock = fakeClock();
const { signal } = new AbortController();
const receivers: Receiver[] = [];

afterEach(async () => {
  await Promise.all(receivers.splice(0).map((receiver) => receiver.stop({ deadlineMs: 0 })));
});

function memory() {
  const destination = memoryDestination({ clock });
  const source = memorySource(destination);
  const publish = (name: string, delayMs = 0) =>
    destination.deliver([createMessage(name, {}, { delayMs })], { signal });
  const receive = async (pattern: string, handler: (context: HandlerContext) => unknown) => {
    const receiver = new Receiver({ source, logger: silent });
    receivers.push(receiver.use(withLimit(3)).on("q", pattern, handler));
    await receiver.start();
    return receiver;
  };
  return { source, publish, receive };
}

test("waits for retries, schedules and what handlers publish", async () => {
  const { source, publish, receive } = memory();
  const done: string[] = [];
  await receive("user.*", async ({ message, attempt }) => {
    if (message.name === "user.flaky" && attempt < 3) throw new Error("not yet");
    if (message.name === "user.dead") throw new Error("never");
    if (message.name === "user.fatal") throw fatal(new Error("at once"));
    if (message.name === "user.created") await publish("user.welcomed", 86_400_000);
    done.push(message.name);
  });
  for (const name of ["created", "flaky", "dead", "fatal"]) await publish(`user.${name}`);
  await drain(source, clock);
  expect(done).toEqual(["user.created", "user.flaky", "user.welcomed"]);
  expect(source.dead.map(({ message }) => message.name)).toEqual(["user.fatal", "user.dead"]);
  expect(source.unfinished).toBe(0);
});

test("doesn't wait for what is parked", async () => {
  const { source, publish, receive } = memory();
  await (await receive("user.*", () => {})).stop();
  await receive("user.created", () => {});
  await publish("user.deleted");
  await drain(source, clock);
  expect(source.parked.map(({ message }) => message.name)).toEqual(["user.deleted"]);
});

test("waits for handlers that need real time, on either clock", async () => {
  for (const time of [clock, undefined]) {
    const { source, publish, receive } = memory();
    let done = 0;
    await receive("user.*", async () => {
      await setTimeout(20);
      done += 1;
    });
    await publish("user.created");
    await drain(source, time);
    expect(done).toBe(1);
  }
});

test("resolves at once when there is nothing", async () => {
  const { source, receive } = memory();
  await receive("user.*", () => {});
  await drain(source);
});

test("refuses when no receiver runs, or none any more", async () => {
  const { source, publish, receive } = memory();
  await publish("user.created");
  await expect(drain(source, clock)).rejects.toMatchObject({ code: "NOT_STARTED" });
  const { promise, resolve } = deferred();
  const receiver = await receive("user.*", () => promise);
  await publish("user.created");
  const draining = expect(drain(source, clock)).rejects.toMatchObject({ code: "NOT_STARTED" });
  await receiver.stop({ deadlineMs: 0 });
  await draining;
  resolve();
});
