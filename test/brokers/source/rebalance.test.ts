import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { createMessage } from "../../../src/message/create-message.js";
import { createTopics } from "../../support/kafka.js";
import { clients } from "./clients.js";
import {
  committed,
  gate,
  marksOf,
  openPlace,
  receiverOf,
  type Seen,
  started,
  things,
  until,
} from "./support.js";

/** Short, but long enough for a machine that is busy. */
const SESSION = { sessionTimeout: 3_000, heartbeatInterval: 200 };

describe.each(clients)("with $client", ({ kafka }) => {
  test("a rebalance while handlers run loses nothing, and repeats no more than ran where it was lost", async () => {
    const place = await openPlace(4, undefined, kafka());
    const { opened, open } = gate();
    const wait = () => opened;
    const first = await started({ ...place.options, maxWorkers: 8 }, wait);
    const messages = things(40);
    for (let partition = 0; partition < 4; partition += 1) {
      await place.publishTo(partition, messages.slice(partition * 10, partition * 10 + 10));
    }
    await until("eight run", () => first.attempts.length === 8);
    const second = await started({ ...place.options, maxWorkers: 8 }, wait);
    await until("the other works, too", () => second.attempts.length === 8);
    const lost = first.attempts.filter(({ signal }) => signal.aborted).length;
    open();
    const handled = () => new Set([...first.numbers(), ...second.numbers()]);
    await until("all are handled", () => handled().size === 40);
    await Promise.all([first.receiver.stop(), second.receiver.stop()]);
    expect(first.attempts.length + second.attempts.length).toBeLessThanOrEqual(40 + lost);
    expect(first.errors).toEqual([]);
    const group = place.options.groupIdOf("q");
    expect(await committed(place, group, place.topicOf("thing"))).toEqual([10, 10, 10, 10]);
  });

  test("members come and go while they handle, and each message is handled", async () => {
    const place = await openPlace(4, undefined, kafka());
    const crew = [await started(place.options, () => sleep(2))];
    const numbers = () => crew.flatMap((seen) => seen.numbers());
    for (let n = 0; n < 4; n += 1) {
      await place.publish(things(100, (nth) => `${nth}`));
      crew.push(await started(place.options, () => sleep(2)));
      if (n > 0) await crew[n - 1]?.receiver.stop();
    }
    await until("all are handled", () => {
      const counts = new Map<number, number>();
      for (const number of numbers()) counts.set(number, (counts.get(number) ?? 0) + 1);
      return counts.size === 100 && [...counts.values()].every((count) => count >= 4);
    });
    expect(crew.flatMap(({ errors }) => errors)).toEqual([]);
  });

  test("members that join while handlers run blame no message for it", async () => {
    const place = await openPlace(8, undefined, kafka());
    const options = { ...place.options, consumer: { heartbeatInterval: 200 } };
    const { opened, open } = gate();
    const crew: Seen[] = [];
    for (let n = 0; n < 4; n += 1) {
      const seen = await started({ ...options, maxWorkers: 64 }, () => opened);
      if (n === 0) await place.publish(things(64, (nth) => `${nth}`));
      crew.push(seen);
      await until("it works, too", () => seen.attempts.length > 0);
    }
    const group = options.groupIdOf("q");
    const marks = () => marksOf(place, group, place.topicOf("thing"));
    await until("one member counts in each partition", async () => {
      return (await marks()).every((mark) => mark?.starts === 1 && mark.carefulTo === 0);
    });
    open();
    const handled = () => new Set(crew.flatMap((seen) => seen.numbers()));
    await until("all are handled", () => handled().size === 64);
    expect(crew.flatMap(({ errors }) => errors)).toEqual([]);
  });

  test("members that join anew for a topic of * blame no message for it", async () => {
    const place = await openPlace(8, undefined, kafka());
    const options = { ...place.options, findTopicsMs: 100, consumer: { heartbeatInterval: 200 } };
    const { opened, open } = gate();
    const join = () =>
      started({ ...options, maxWorkers: 100 }, () => opened, { pattern: "*", options: {} });
    const crew = [await join(), await join(), await join()];
    await place.publish(things(64, (nth) => `${nth}`));
    await until("all of them work", () => crew.every(({ attempts }) => attempts.length > 0));
    const other = place.topicOf("other");
    await createTopics(other, `retry-${other}`, `fail-${other}`);
    await place.publish([createMessage("other.made", { n: 100 })]);
    await until("it is read", () => crew.some((seen) => seen.numbers().includes(100)));
    await until("one member counts in each partition", async () => {
      const marks = await marksOf(place, options.groupIdOf("q"), place.topicOf("thing"));
      return marks.every((mark) => mark?.starts === 1 && mark.carefulTo === 0);
    });
    open();
  });

  test("a handler that runs for longer than the session keeps its partition", async () => {
    const place = await openPlace(2, undefined, kafka());
    const options = { ...place.options, consumer: SESSION };
    const aborted: boolean[] = [];
    const act = async ({ signal }: { signal: AbortSignal }) => {
      await sleep(2 * SESSION.sessionTimeout);
      aborted.push(signal.aborted);
    };
    const first = await started(options, act);
    const second = await started(options, act);
    const messages = things(2);
    await place.publishTo(0, messages.slice(0, 1));
    await place.publishTo(1, messages.slice(1));
    await until("both are handled", () => aborted.length === 2);
    await Promise.all([first.receiver.stop(), second.receiver.stop()]);
    expect(aborted).toEqual([false, false]);
    expect(first.attempts.length + second.attempts.length).toBe(2);
    const group = place.options.groupIdOf("q");
    expect(await committed(place, group, place.topicOf("thing"))).toEqual([1, 1]);
  });

  test("a stop hands over at once, long before the session has timed out", async () => {
    const place = await openPlace(1, undefined, kafka());
    const first = await started(place.options);
    await place.publish(things(1));
    await until("it is handled", () => first.attempts.length === 1);
    const second = receiverOf(place.options);
    await second.receiver.start();
    await first.receiver.stop();
    const [, next] = things(2);
    await place.publish(next ? [next] : []);
    await until("the other has it", () => second.attempts.length === 1);
    expect(second.numbers()).toEqual([1]);
  });

  test("members that read different topics get all of theirs", async () => {
    const place = await openPlace(2, ["thing", "other"], kafka());
    const things_ = await started(place.options);
    const others = await started(place.options, () => {}, { pattern: "*", options: {} });
    const messages = things(4);
    await place.publishTo(0, messages.slice(0, 2));
    await place.publishTo(1, messages.slice(2));
    const rest = [10, 11, 12, 13].map((n) => createMessage("other.made", { n }));
    await place.publishTo(0, rest.slice(0, 2));
    await place.publishTo(1, rest.slice(2));
    await until("all are handled", () => {
      return things_.attempts.length + others.attempts.length === 8;
    });
    expect([...things_.numbers(), ...others.numbers()].sort((a, b) => a - b)).toEqual([
      0, 1, 2, 3, 10, 11, 12, 13,
    ]);
  });
});
