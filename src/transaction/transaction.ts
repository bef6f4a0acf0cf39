import { EventsError } from "../message/errors.js";
import { assertOptions } from "../message/options.js";
import { type ConnectingPool, connect } from "./connect.js";
import type { SqlClient } from "./sql-client.js";

/** What we ask of a pool; a `pg` pool is one. */
export type TransactionPool = ConnectingPool<TransactionClient>;

/** A client that is ours until it is released. */
export interface TransactionClient extends SqlClient {
  // biome-ignore lint/suspicious/noExplicitAny: as in SqlClient
  query(text: string, values?: any[]): Promise<{ rows: any[]; command?: string }>;
  /** Gives the client back; with `true`, its connection is closed. */
  release(destroy?: boolean): void;
  on?(event: "error", listener: (error: Error) => void): unknown;
  off?(event: "error", listener: (error: Error) => void): unknown;
}

interface Result {
  readonly command?: string;
}

const IN_FAILED_TRANSACTION = "25P02";

const ABORTED =
  "A statement of the transaction had failed, so its commit rolled everything back: let the error of " +
  "that statement leave the function, or catch it around a savepoint.";

const BEGIN = {
  "read committed": "begin isolation level read committed",
  "repeatable read": "begin isolation level repeatable read",
  serializable: "begin isolation level serializable",
};

export type IsolationLevel = keyof typeof BEGIN;

export interface TransactionOptions {
  /** Default: the server's, usually read committed. */
  readonly isolation?: IsolationLevel | undefined;
}

/**
 * Runs `fn` in a transaction of its own: commits when it resolves, and resolves with its value; rolls
 * back when it rejects, and rejects with its error. It is never retried. Errors of the database come as
 * they are. If the commit's connection is lost, nobody knows whether it committed.
 *
 * Throws `TRANSACTION_ABORTED` if `fn` resolved although one of its statements had failed: the database
 * then has rolled everything back.
 */
export async function transaction<T>(
  pool: TransactionPool,
  fn: (tx: SqlClient) => Promise<T>,
  options: TransactionOptions = {},
): Promise<T> {
  const begin = beginStatement(options);
  return transactionOn(await connect(pool), begin, "commit", fn);
}

/**
 * Runs `fn` between two statements on a client that is ours, and releases it. `commit` may do something before it
 * commits, in the same round trip.
 */
export async function transactionOn<T>(
  client: TransactionClient,
  begin: string,
  commit: string,
  fn: (tx: SqlClient) => Promise<T>,
): Promise<T> {
  // Without a listener, a connection lost between two statements would end the process.
  client.on?.("error", ignore);
  let ended = false;
  const end = async (statement: string) => {
    const result = await client.query(statement);
    ended = true;
    return result;
  };
  try {
    await client.query(begin);
    return await run(client, fn, commit, end);
  } finally {
    client.release(!ended);
    client.off?.("error", ignore);
  }
}

async function run<T>(
  client: TransactionClient,
  fn: (tx: SqlClient) => Promise<T>,
  commit: string,
  end: (statement: string) => Promise<Result | readonly Result[]>,
): Promise<T> {
  let value: T;
  try {
    value = await fn(client);
  } catch (error) {
    // What went wrong first is what the caller has to know.
    await end("rollback").catch(ignore);
    throw error;
  }
  const result = await end(commit).catch((error) => {
    throw (error as { code?: unknown }).code === IN_FAILED_TRANSACTION ? aborted(error) : error;
  });
  if ([result].flat().at(-1)?.command === "ROLLBACK") throw aborted();
  return value;
}

function aborted(cause?: unknown): EventsError {
  return new EventsError("TRANSACTION_ABORTED", ABORTED, { cause });
}

function beginStatement(options: TransactionOptions): string {
  assertOptions(options, ["isolation"], "a transaction");
  const { isolation } = options;
  if (isolation === undefined) return "begin";
  if (Object.hasOwn(BEGIN, isolation)) return BEGIN[isolation];
  const levels = Object.keys(BEGIN).join(", ");
  throw new EventsError("INVALID_OPTIONS", `Bad isolation: use one of ${levels}, or leave it out.`);
}

function ignore(): void {}
