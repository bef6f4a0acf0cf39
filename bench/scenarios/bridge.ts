import { randomUUID } from "node:crypto";
import { Pool } from "undici";
import { asyncBridge, createMessage, httpDestination, Publisher } from "../../src/index.js";
import { perSecond } from "../figures.js";
import { Arrivals } from "../harness/arrivals.js";
import { Child } from "../harness/child.js";
import type { Contender, MakeScenario, Role } from "../harness/scenario.js";
import { sample } from "../products/product.js";

const RECEIVERS = 2;
/** Messages of a request: the default of `httpDestination`. */
const BATCH = 100;
const NAME = "user.created";

/** Sends messages 0 to count - 1 to each of the URLs, and resolves when all have been answered. */
type Send = (urls: readonly string[], count: number) => Promise<void>;

/** Receivers are processes of their own. A rate counts messages, each of which goes to both. */
export const bridgeScenario: MakeScenario = ({ full }) => {
  const contender = (name: string, role: Role, send: Send) =>
    sending(name, role, full ? 200_000 : 50_000, send);
  return {
    id: "M",
    title: "async bridge over HTTP to two receivers",
    figure: "rate",
    unit: "messages/s",
    contenders: [
      contender("ours", "ours", publishAll),
      contender("undici, 1 connection each", "floor", postAll(1)),
      contender("undici, 4 connections each", "floor", postAll(4)),
    ],
    claims: [
      {
        level: "must",
        text: ">= 80 % of the floor",
        holds: (m) => m.ours("rate") >= 0.8 * m.floor("rate"),
      },
    ],
  };
};

function sending(name: string, role: Role, count: number, send: Send): Contender {
  return {
    name,
    role,
    async run() {
      const kind = role === "ours" ? "ours" : "plain";
      const children = Array.from({ length: RECEIVERS }, () => new Child("http-receiver", [kind]));
      try {
        const ports = await Promise.all(children.map((child) => child.ask<number>("listen")));
        const startedAt = performance.now();
        await send(
          ports.map((port) => `http://127.0.0.1:${port}/`),
          count,
        );
        const ms = performance.now() - startedAt;
        for (const child of children) assertAll(await child.ask<number[]>("handled"), count);
        return { rate: perSecond(count, ms) };
      } finally {
        await Promise.all(children.map((child) => child.end()));
      }
    },
  };
}

function assertAll(handled: readonly number[], count: number): void {
  const arrivals = new Arrivals(count);
  for (const n of handled) arrivals.saw(n);
  arrivals.assertOnce(0);
}

async function publishAll(urls: readonly string[], count: number): Promise<void> {
  const bridge = asyncBridge(urls.map((url) => httpDestination(url)));
  const publisher = new Publisher({ bridge });
  for (let from = 0; from < count; from += BATCH) {
    const batch = Array.from({ length: BATCH }, (_, n) =>
      createMessage(NAME, sample(from + n).payload),
    );
    await publisher.publishMany(batch);
  }
  await publisher.drain();
}

/** Each batch is encoded once, and posted to all at once; so many batches are under way. */
function postAll(connections: number): Send {
  return async (urls, count) => {
    const pools = urls.map((url) => new Pool(url, { connections }));
    let next = 0;
    const loop = async () => {
      for (let from = next; from < count; from = next) {
        next = from + BATCH;
        const body = encode(from);
        await Promise.all(pools.map((pool) => post(pool, body)));
      }
    };
    await Promise.all(Array.from({ length: connections }, loop));
    await Promise.all(pools.map((pool) => pool.close()));
  };
}

function encode(from: number): string {
  const envelopes = Array.from({ length: BATCH }, (_, n) => ({
    id: randomUUID(),
    name: NAME,
    topic: "user",
    publishedAt: new Date().toISOString(),
    payload: sample(from + n).payload,
  }));
  return JSON.stringify(envelopes);
}

async function post(pool: Pool, body: string): Promise<void> {
  const headers = { "content-type": "application/json" };
  const { statusCode, body: answer } = await pool.request({
    path: "/",
    method: "POST",
    headers,
    body,
  });
  await answer.dump();
  if (statusCode !== 200) throw new Error(`The plain server answered ${statusCode}.`);
}
