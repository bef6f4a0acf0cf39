import { afterEach, describe, expect, test } from "vitest";
import { fatal } from "../../../src/receiver/failure.js";
import { Receiver } from "../../../src/receiver/receiver.js";
import { kafkaSource } from "../../../src/source/kafka/source.js";
import { clients } from "./clients.js";
import { openPlace, type Place, silent, things, until } from "./support.js";

const receivers: Receiver[] = [];

afterEach(async () => {
  await Promise.all(receivers.splice(0).map((receiver) => receiver.stop({ deadlineMs: 0 })));
});

const keyOf = (n: number) => `key ${n}`;

/** A receiver of two queues; messages of the first are dead as long as `isBroken`. */
async function start(place: Place, state: { isBroken: boolean }) {
  const handled: string[] = [];
  const receiver = new Receiver({ source: kafkaSource(place.options), logger: silent });
  receiver.on("a", "thing.*", ({ message, attempt }) => {
    handled.push(`a ${(message.payload as { n: number }).n} ${attempt}`);
    if (state.isBroken) throw fatal(new Error("no way"));
  });
  receiver.on("b", "thing.*", ({ message }) => {
    handled.push(`b ${(message.payload as { n: number }).n}`);
  });
  await receiver.start();
  receivers.push(receiver);
  return handled;
}

describe.each(clients)("dead letters on Kafka with $client", ({ kafka }) => {
  const open = () => openPlace(2, undefined, kafka());

  test("are listed with the reason, page by page, and counted by their filter", async () => {
    const place = await open();
    const handled = await start(place, { isBroken: true });
    const messages = things(5, keyOf);
    await place.publish(messages);
    await until("all are handled", () => handled.length === 10);
    await until("five are dead", async () => (await place.deadLetters.count({})) === 5);
    const first = await place.deadLetters.list({ queue: "a" }, { limit: 3, order: "oldest" });
    const second = await place.deadLetters.list(
      { queue: "a" },
      { limit: 3, order: "oldest", after: first.next as string },
    );
    const letters = [...first.letters, ...second.letters];
    expect(second.next).toBeUndefined();
    expect(letters.map(({ message }) => message.id).sort()).toEqual(
      messages.map(({ id }) => id).sort(),
    );
    expect(letters[0]).toMatchObject({
      queue: "a",
      reason: { code: "FATAL", message: "no way", stack: expect.stringContaining("no way") },
      attempts: [{ attempt: 1, code: "FATAL", message: "no way" }],
      redriven: 0,
    });
    expect(await place.deadLetters.count({ queue: "b" })).toBe(0);
    expect(await place.deadLetters.count({ key: "key 2", code: "FATAL" })).toBe(1);
    expect(await place.deadLetters.inspect("a", messages[3]?.id as string)).toMatchObject({
      message: { payload: { n: 3 } },
    });
  });

  test("go back to their own queue alone, once, with their attempts anew", async () => {
    const place = await open();
    const state = { isBroken: true };
    const handled = await start(place, state);
    await place.publish(things(4, keyOf));
    await until("all are dead", async () => (await place.deadLetters.count({})) === 4);
    await until("all are handled", () => handled.length === 8);
    handled.length = 0;
    state.isBroken = false;
    const result = await place.deadLetters.redrive({});
    expect(result).toMatchObject({ done: 4, isComplete: true });
    await until("all are handled again", () => handled.length >= 4);
    expect(await place.deadLetters.count({})).toBe(0);
    expect(await place.deadLetters.redrive({})).toMatchObject({ done: 0, isComplete: true });
    expect(handled.sort()).toEqual(["a 0 1", "a 1 1", "a 2 1", "a 3 1"]);
  });

  test("that die again are listed with all that failed, and say how often they were redriven", async () => {
    const place = await open();
    await start(place, { isBroken: true });
    const [message] = things(1, keyOf);
    await place.publish(message ? [message] : []);
    const redriven = (times: number) => async () =>
      (await place.deadLetters.list({})).letters[0]?.redriven === times;
    await until("it is dead", redriven(0));
    await place.deadLetters.redrive({});
    await until("it is dead again", redriven(1));
    const { letters } = await place.deadLetters.list({});
    expect(letters).toHaveLength(1);
    expect(letters[0]?.attempts.map(({ attempt }) => attempt)).toEqual([1, 1]);
  });

  test("are purged, those that fit and no others", async () => {
    const place = await open();
    await start(place, { isBroken: true });
    await place.publish(things(4, keyOf));
    await until("all are dead", async () => (await place.deadLetters.count({})) === 4);
    expect(await place.deadLetters.purge({ key: "key 1" })).toMatchObject({ done: 1 });
    const { letters } = await place.deadLetters.list({});
    expect(letters.map(({ message }) => message.key).sort()).toEqual(["key 0", "key 2", "key 3"]);
  });

  test("are resumed where they were stopped, and each goes back once", async () => {
    const place = await open();
    const state = { isBroken: true };
    const handled = await start(place, state);
    await place.publish(things(6, keyOf));
    await until("all are dead", async () => (await place.deadLetters.count({})) === 6);
    handled.length = 0;
    state.isBroken = false;
    const controller = new AbortController();
    const stopped = await place.deadLetters.redrive(
      {},
      {
        ratePerSecond: 2,
        signal: controller.signal,
        onProgress: ({ done }) => done > 0 && controller.abort(),
      },
    );
    expect(stopped).toMatchObject({ done: 2, isComplete: false });
    const rest = await place.deadLetters.redrive({}, { resume: stopped.resume });
    expect(rest).toMatchObject({ done: 6, isComplete: true });
    await until("all are handled again", () => handled.length >= 6);
    expect(await place.deadLetters.count({})).toBe(0);
    expect(new Set(handled).size).toBe(6);
    expect(handled).toHaveLength(6);
  });

  test("of a filter that can't fit anything are refused", async () => {
    const place = await open();
    const filter = { nmae: "x" } as object;
    await expect(place.deadLetters.count(filter)).rejects.toMatchObject({
      code: "INVALID_OPTIONS",
    });
    await expect(place.deadLetters.list({}, { after: "x" })).rejects.toMatchObject({
      code: "INVALID_OPTIONS",
    });
  });
});
