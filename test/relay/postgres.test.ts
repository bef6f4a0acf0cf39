import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Message } from "../../src/message/message.js";
import { constantBackoff } from "../../src/receiver/middleware/backoff.js";
import type { RelayOptions } from "../../src/relay/options.js";
import { type Relay, relay } from "../../src/relay/relay.js";
import { postgresSource } from "../../src/source/postgres/source.js";
import { intervalTrigger } from "../../src/source/postgres/trigger.js";
import { deadLettersOf } from "../operations/support.js";
import { deliveries, type Engine, engine, rows, until } from "../postgres/support.js";
import { inTree } from "../support/in-tree.js";
import { disorder, numbered, numbersOf, permanent, quick, refusing, scripted } from "./support.js";

let db: Engine;
const running: Relay[] = [];
const children: ChildProcess[] = [];
beforeEach(async () => {
  db = await engine();
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((one) => one.stop({ deadlineMs: 0 })));
  await Promise.all(children.splice(0).map(kill));
  await db.close();
});

async function start(to: RelayOptions["to"], options: Partial<RelayOptions> = {}): Promise<Relay> {
  const triggers = [db.notify(), intervalTrigger(50)];
  const from = postgresSource({ pool: db.pool, triggers, maxWorkers: 1 });
  const started = await relay({ ...quick, from, to, ...options });
  running.push(started);
  return started;
}

async function publish(messages: readonly Message[]): Promise<void> {
  await db.publisher.publishMany(messages);
}

const inTurn = (count: number) => Array.from({ length: count }, (_, n) => n);
const distinct = (arrived: readonly Message[]) => new Set(numbersOf(arrived)).size;

it("asks for as much at once as the destination takes, several messages of a key in one call", async () => {
  const to = scripted();
  await publish(numbered(2_000, 1));
  const one = await start(to);
  await until(() => expect(to.arrived).toHaveLength(2_000));
  expect(numbersOf(to.arrived)).toEqual(inTurn(2_000));
  expect(to.calls.length).toBeLessThan(20);
  await one.stop();
  expect(await deliveries(db)).toEqual([]);
});

it("keeps the order of each key while calls and messages fail, over two relays", async () => {
  const random = () => Math.random();
  const arrived: Message[] = [];
  const destination = () => {
    const to = scripted(
      (batch) => {
        if (random() < 0.1) throw new Error("connection reset");
        const lines = new Set<string>();
        // As a broker with partitions does: who refuses a message refuses those of its key behind it.
        const refuse = ({ key = "" }: Message) => {
          if (lines.has(key) || random() < 0.02) return new Error(`${lines.add(key).size} refused`);
          return random() < 0.01 ? permanent() : undefined;
        };
        const results = refusing(refuse)(batch);
        arrived.push(...batch.filter((_, n) => results[n]?.status !== "failed"));
        return results;
      },
      { ordered: true, maxBatch: 40 },
    );
    return to;
  };
  let dead = 0;
  const onDead = () => {
    dead += 1;
  };
  const breaker = { backoff: constantBackoff(1) };
  await start(destination(), { onDead, breaker });
  await start(destination(), { onDead, breaker });
  for (let part = 0; part < 10; part += 1)
    await publish(numbered(2_000, 7).slice(part * 200, part * 200 + 200));
  await until(() => expect(distinct(arrived) + dead).toBe(2_000));
  expect(disorder(arrived)).toEqual([]);
  expect(arrived.length).toBe(distinct(arrived));
});

it("shares a queue among relays, each message to one of them", async () => {
  const both = [scripted(), scripted()];
  for (const to of both) await start(to);
  await publish(numbered(3_000, 100));
  await until(() => expect(both.flatMap(({ arrived }) => arrived)).toHaveLength(3_000));
  expect(distinct(both.flatMap(({ arrived }) => arrived))).toBe(3_000);
  expect(both.flatMap(({ arrived }) => disorder(arrived))).toEqual([]);
});

it("leaves nothing dead and no attempt used after a long outage", async () => {
  let isDown = true;
  const to = scripted(() => {
    if (isDown) throw new Error("connection refused");
    return undefined;
  });
  const one = await start(to, { limit: 1 });
  await publish(numbered(300, 10));
  await until(() => expect(to.calls.length).toBeGreaterThan(100));
  expect(one.stats()).toMatchObject({ breaker: expect.stringMatching("open"), relayed: 0 });
  isDown = false;
  await until(() => expect(distinct(to.arrived)).toBe(300));
  expect(disorder(to.arrived)).toEqual([]);
  await one.stop();
  expect(await deliveries(db)).toEqual([]);
});

it("buries what is refused for good; given back, it arrives", async () => {
  let isMended = false;
  const to = scripted(refusing(({ payload }) => payload === 1 && !isMended && permanent()));
  await start(to);
  await publish(numbered(4, 1));
  const deadLetters = deadLettersOf(db.pool);
  await until(async () => expect(await deadLetters.count({ queue: "to-broker" })).toBe(1));
  await until(() => expect(numbersOf(to.arrived)).toEqual([0, 2, 3]));
  isMended = true;
  await deadLetters.redrive({ queue: "to-broker" });
  await until(() => expect(numbersOf(to.arrived)).toEqual([0, 2, 3, 1]));
});

it("gives back what it holds at a stop while the destination hangs; the next relay goes on, in order", async () => {
  let calls = 0;
  const hanging = scripted(() => {
    calls += 1;
    return new Promise<never>(() => {});
  });
  const one = await start(hanging);
  await publish(numbered(500, 5));
  await until(() => expect(one.stats().held).toBe(500));
  expect(await one.stop({ deadlineMs: 20 })).toMatchObject({ finished: 0 });
  expect(calls).toBe(2); // keys of one lane, and of the other
  const to = scripted();
  await start(to);
  await until(() => expect(to.arrived).toHaveLength(500));
  expect(disorder(to.arrived)).toEqual([]);
});

it("holds the line of a message whose name belongs to another version of the relay", async () => {
  const [first, ...rest] = numbered(5, 1);
  const to = scripted();
  await (await start(to, { names: ["*"] })).stop();
  const narrow = await start(to, { names: ["user.*"] });
  await publish([...(first ? [first] : []), ...rest]);
  await until(async () => {
    const states = (await deliveries(db)).map(({ state }) => state);
    expect(states).toEqual(["parked", "held", "held", "held", "held"]);
  });
  expect(to.arrived).toEqual([]);
  await narrow.stop();
  await start(to, { names: ["*"] });
  await until(() => expect(numbersOf(to.arrived)).toEqual(inTurn(5)));
});

it("loses nothing when its processes are killed, repeats no more than they held, and keeps the order", {
  timeout: 90_000,
}, async () => {
  const count = 5_000;
  const arrived: Message[] = [];
  const all = numbered(count, 20);
  const hear = (numbers: unknown) => {
    if (Array.isArray(numbers)) arrived.push(...numbers.map((n) => all[n] as Message));
  };
  await publish(all);
  await rows(db.pool, "analyze");
  const kills = 2;
  for (let kill = 0; kill <= kills; kill += 1) {
    const child = await startWorker(hear);
    const enough = Math.floor((count * (kill + 1)) / (kills + 2));
    if (kill === kills) break;
    await until(() => expect(distinct(arrived)).toBeGreaterThan(enough / 2));
    child.kill("SIGKILL");
    await once(child, "exit");
  }
  await until(() => expect(distinct(arrived)).toBe(count));
  expect(disorder(arrived)).toEqual([]);
  expect(arrived.length - count).toBeLessThanOrEqual(kills * 1_000);
});

async function startWorker(hear: (message: unknown) => void): Promise<ChildProcess> {
  const child = fork(inTree("test/relay/worker.js"), [db.url], { execArgv: [] });
  children.push(child);
  child.on("message", hear);
  await new Promise<void>((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`The relay ended with ${code}.`)));
    child.on("message", (text) => text === "ready" && resolve());
  });
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}
