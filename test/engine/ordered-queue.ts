import { createMessage, type MessageOptions } from "../../src/message/create-message.js";
import type { Leftover } from "../../src/postgres/batch.js";
import type { ClaimedDelivery } from "../../src/postgres/delivery.js";
import { append } from "../../src/postgres/log.js";
import {
  claimOrderedBatch,
  claimOrderedDeliveries,
  type OrderedBatch,
  settleOrderedBatches,
  settleOrderedDeliveries,
} from "../../src/postgres/ordered.js";
import type { ClaimedMessage } from "../../src/postgres/packed.js";
import { declareQueue } from "../../src/postgres/queue.js";
import { DEFAULT_SCHEMA } from "../../src/postgres/schema.js";
import type { SqlClient } from "../../src/transaction/sql-client.js";
import { type Engine, LEASE_MS, QUEUE } from "./engine.js";

const RETRY: Leftover = { state: "retrying", attempt: 1, afterMs: 0, reason: {} };
export const HELD: Leftover = { state: "held", attempt: 0 };
export const retryAfter = (afterMs: number): Leftover => ({ ...RETRY, afterMs });

/** A worker of the queue `q`, which is ordered; messages are named as their key with a number: `k1`, `k2`. */
export class OrderedWorker {
  readonly #engine: Engine;
  readonly #worker: string;

  constructor(engine: Engine, worker: string) {
    this.#engine = engine;
    this.#worker = worker;
  }

  async claim(limit = 100, leaseMs = LEASE_MS): Promise<OrderedBatch | undefined> {
    const claimant = { session: null, worker: this.#worker, leaseMs };
    return claimOrderedBatch(this.#engine.db, QUEUE, "t", limit, claimant);
  }

  async names(limit?: number): Promise<string[]> {
    return namesOf((await this.claim(limit))?.messages ?? []);
  }

  /** False if it was lost. Without `leftovers` all is done; with `done` the lease stays, with what is not in it. */
  async settle(
    batches: readonly OrderedBatch[],
    leftovers: ReadonlyMap<string, Leftover> = new Map(),
    done?: readonly string[],
  ): Promise<{ isOurs: boolean; isDue: boolean }> {
    const progress = batches.map(({ key, messages }) => {
      const mine = messages.map(({ position }) => position);
      return {
        key,
        done,
        leftovers: new Map([...leftovers].filter(([position]) => mine.includes(position))),
        ...(done && { keys: openKeys(messages, done) }),
      };
    });
    const { db } = this.#engine;
    const { lost, isDue } = await settleOrderedBatches(db, QUEUE, progress, LEASE_MS);
    return { isOurs: lost.length === 0, isDue };
  }

  claimDeliveries(run = 100, leaseMs = LEASE_MS): Promise<readonly ClaimedDelivery[]> {
    const request = { limit: 100, suspects: 100, patterns: ["t.*"], run };
    return claimOrderedDeliveries(this.#engine.db, QUEUE, request, { session: null, leaseMs });
  }

  async deliveries(run?: number): Promise<string[]> {
    return namesOf(await this.claimDeliveries(run));
  }

  async settleDeliveries(
    deliveries: readonly ClaimedDelivery[],
    result: Leftover | { state: "done" } = { state: "done" },
  ): Promise<{ isOurs: boolean; isDue: boolean }> {
    const progress = deliveries.map(({ key }) => ({ key, result }));
    const { db } = this.#engine;
    const { lost, isDue } = await settleOrderedDeliveries(db, QUEUE, progress, LEASE_MS);
    return { isOurs: lost.length === 0, isDue };
  }
}

/** An ordered queue with two workers. */
export async function twoWorkers(engine: Engine): Promise<[OrderedWorker, OrderedWorker]> {
  await declareQueue(engine.db, QUEUE, { ordered: true });
  await engine.subscribe("t.*");
  return [new OrderedWorker(engine, "a"), new OrderedWorker(engine, "b")];
}

/** Publishes `k1` with the key `k`. */
export async function publish(
  engine: Engine,
  names: string,
  client: SqlClient = engine.pool,
  options: MessageOptions = {},
): Promise<void> {
  for (const name of names.split(" ")) {
    const message = createMessage(`t.${name}`, {}, { key: name.slice(0, 1), ...options });
    await append(client, DEFAULT_SCHEMA, [message]);
  }
}

export function allAs(
  batch: OrderedBatch | undefined,
  leftover: Leftover,
): ReadonlyMap<string, Leftover> {
  return new Map(batch?.messages.map(({ position }) => [position, leftover]));
}

function openKeys(messages: readonly ClaimedMessage[], done: readonly string[]): string[] {
  return messages
    .filter(({ position }) => !done.includes(position))
    .map(({ message }) => message.key ?? "");
}

function namesOf(claimed: readonly { message: { name: string } }[]): string[] {
  return claimed.map(({ message }) => message.name.slice(2));
}
