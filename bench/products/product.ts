import type pg from "pg";
import type { Place, Role } from "../harness/scenario.js";

/** What every message carries: about 150 B of JSON. `n` counts up from 0 in each run. */
export interface Payload {
  readonly n: number;
  readonly [field: string]: unknown;
}

export interface Sample {
  readonly payload: Payload;
  readonly key?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Consumer {
  stop(): Promise<unknown>;
}

interface ConsumeOptions {
  /** Handlers at once, where the product lets one choose; otherwise the settings of the contender count. */
  readonly concurrency?: number;
}

/** One way to use a product: its name says which settings. A scenario runs them all the same way. */
export interface Product {
  readonly name: string;
  readonly role: Role;
  /** Creates the schema and one queue, before anything is timed. */
  open(place: Place): Promise<Opened>;
}

/** A product of which only the bulk publish is of interest. */
export interface BulkProduct extends Omit<Product, "open"> {
  open(place: Place): Promise<BulkWriter>;
}

export type BulkWriter = Pick<Opened, "publishBatch" | "left" | "close">;

export interface Opened {
  /** Publishes one message with the user's client, inside of its transaction. */
  publishIn(client: pg.ClientBase, sample: Sample): Promise<void>;
  /** What is left to do on that client when the transaction has committed. */
  afterCommit?(client: pg.ClientBase): Promise<void>;
  /** Publishes all in one batch, in a transaction of its own. */
  publishBatch(samples: readonly Sample[]): Promise<void>;
  /** Starts to receive in this process; resolves when it does. */
  consume(
    handle: (payload: Payload) => void | Promise<void>,
    options?: ConsumeOptions,
  ): Promise<Consumer>;
  /** Before a drain is timed: statistics of the tables. */
  analyze(): Promise<void>;
  /** How many messages are not finished; 10,000 may stand for more. */
  left(): Promise<number>;
  close(): Promise<void>;
}

export function sample(n: number): Sample {
  return {
    payload: {
      n,
      userId: 1_000_000 + n,
      email: `user${n}@example.com`,
      name: "Ada Lovelace",
      plan: "professional",
      note: "signed up on the front page",
    },
  };
}

/** With a key and headers on every other one. */
export function richSample(n: number): Sample {
  if (n % 2 === 0) return sample(n);
  return { ...sample(n), key: `customer-${n % 1_000}`, headers: { "trace-id": `trace-${n}` } };
}
