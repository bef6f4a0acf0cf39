import { Readable } from "node:stream";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { asyncBridge } from "../../src/bridge/async.js";
import { httpDestination } from "../../src/destination/http.js";
import { Publisher } from "../../src/publisher/publisher.js";
import { fatal, retryAfter } from "../../src/receiver/failure.js";
import type { HandlerContext } from "../../src/receiver/handler.js";
import type { HttpSource } from "../../src/source/http.js";
import { message, serve, setUp } from "./http-support.js";

test("a half-failed batch is repeated only where it failed", async () => {
  const { http, receiver } = setUp();
  const calls: string[] = [];
  const [first, second, third] = [message(), message(), message()];
  const log = ({ queue, message, attempt }: HandlerContext) => {
    const number = [first, second, third].findIndex(({ id }) => id === message.id) + 1;
    calls.push(`${queue} ${number} ${attempt}`);
  };
  await receiver
    .on("emails", "user.created", log)
    .on("audit", "user.created", log)
    .on("crm", "user.created", (context) => {
      log(context);
      if (context.message.id === second.id && context.attempt < 3) throw retryAfter(0);
    })
    .start();
  const { url } = await serve(http.listener);
  const { publisher, lost } = publishTo(url);
  await publisher.publishMany([first, second, third]);
  await publisher.drain();
  const once = ["emails", "audit", "crm"].flatMap((q) => [`${q} 1 1`, `${q} 2 1`, `${q} 3 1`]);
  expect(calls.sort()).toEqual([...once, "crm 2 2", "crm 2 3"].sort());
  expect(lost).toEqual([]);
});

const faults = ["none", "lose request", "overload", "lose answer", "cut answer", "hang"] as const;

/** How a queue fares with a message: so many failures, and then its end. */
const fate = fc.record({ failures: fc.nat(3), end: fc.constantFrom("done", "done", "dead") });

const scenario = fc.record({
  /** For each message, its fate in each queue. */
  fates: fc.array(fc.array(fate, { minLength: 3, maxLength: 3 }), { minLength: 1, maxLength: 12 }),
  /** Of one request after the other; then there are none. */
  faults: fc.array(fc.constantFrom(...faults), { maxLength: 8 }),
  maxBatch: fc.integer({ min: 1, max: 6 }),
  concurrency: fc.integer({ min: 1, max: 3 }),
});

test("every pair of message and queue comes to its end once, whatever fails on the way", async () => {
  const run = async (given: Parameters<typeof play>[0]) => {
    const { ends, lost, expectedEnds, expectedLost } = await play(given);
    expect(ends.sort()).toEqual(expectedEnds.sort());
    expect(lost.sort()).toEqual(expectedLost.sort());
  };
  await fc.assert(fc.asyncProperty(scenario, run), { numRuns: 40 });
});

async function play(given: typeof scenario extends fc.Arbitrary<infer T> ? T : never) {
  const queues = ["one", "two", "three"];
  const messages = given.fates.map(() => message());
  const fates = new Map(
    messages.flatMap(({ id }, m) => queues.map((q, i) => [`${q} ${id}`, given.fates[m]?.[i]])),
  );
  const calls = new Map<string, number>();
  const ends: string[] = [];
  const handle = async ({ queue, message }: HandlerContext) => {
    const pair = `${queue} ${message.id}`;
    const call = (calls.get(pair) ?? 0) + 1;
    calls.set(pair, call);
    await new Promise(setImmediate);
    const { failures = 0, end } = fates.get(pair) ?? {};
    if (call <= failures) throw retryAfter(0);
    ends.push(pair);
    if (end === "dead") throw fatal(new Error("no luck"));
  };

  const { http, receiver } = setUp();
  for (const queue of queues) {
    receiver.queue(queue, { concurrency: given.concurrency }).on(queue, "user.created", handle);
  }
  await receiver.start();
  const { url } = await serve(faulty(http, [...given.faults]));
  const { publisher, lost } = publishTo(url, given.maxBatch);
  await publisher.publishMany(messages);
  await publisher.drain();
  await receiver.stop();

  const dead = ({ id }: { id: string }) =>
    queues.some((q) => fates.get(`${q} ${id}`)?.end === "dead");
  return {
    ends,
    lost,
    expectedEnds: [...fates.keys()],
    expectedLost: messages.filter(dead).map(({ id }) => id),
  };
}

/** Retries at once and without end, and notes what is given up all the same. */
function publishTo(url: string, maxBatch = 100) {
  const lost: string[] = [];
  const destination = httpDestination(url, { maxBatch, timeoutMs: 100 });
  const bridge = asyncBridge([destination], { waitMs: 0, maxAttempts: 1_000 });
  bridge.onDeliveryFailure((batch) => lost.push(...batch.map(({ id }) => id)));
  const publisher = new Publisher({ bridge });
  onTestFinished(async () => {
    await publisher.drain({ deadlineMs: 0 });
  });
  return { publisher, lost };
}

/** The source, behind a network that fails one request after the other as `script` says. */
function faulty(http: HttpSource, script: (typeof faults)[number][]): HttpSource["listener"] {
  return async (request, response) => {
    const fault = script.shift() ?? "none";
    if (fault === "none") return http.listener(request, response);
    if (fault === "lose request") return request.socket.destroy();
    if (fault === "overload") return response.writeHead(503, { "retry-after": "0" }).end();
    const headers = { "content-type": String(request.headers["content-type"]) };
    const init = { method: "POST", headers, body: Readable.toWeb(request), duplex: "half" };
    const answer = await http.fetch(new Request("http://localhost/", init as RequestInit));
    if (fault === "hang") return;
    if (fault === "lose answer") return request.socket.destroy();
    const body = await answer.text();
    response.writeHead(answer.status, { "content-length": body.length });
    response.write(body.slice(0, -1), () => request.socket.destroy());
  };
}
