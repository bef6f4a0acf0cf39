import { randomUUID } from "node:crypto";
import pg from "pg";
import type { ReplicatedServer } from "../support/replicated.js";

/** The server that a suite works with. */
export interface Server {
  /** Of a superuser, on the database `postgres`. */
  readonly url: string;
  /** As pg_ctl; only of a server of our own. */
  control?(command: string, ...more: string[]): Promise<void>;
  /** It is behind an address that leads to a standby after a failover. */
  readonly standby?: Pick<ReplicatedServer, "failOver" | "partReplication">;
}

export interface Database {
  readonly url: string;
  readonly pool: pg.Pool;
  /** Ends the pool and drops the database, whoever is still connected. */
  drop(): Promise<void>;
}

/** A new, empty database. */
export async function createDatabase(server: Server): Promise<Database> {
  const name = `faults_${randomUUID().replaceAll("-", "")}`;
  await execute(server.url, `create database ${name}`);
  const url = Object.assign(new URL(server.url), { pathname: name }).href;
  const pool = new pg.Pool({ connectionString: url, application_name: "onlooker" });
  pool.on("error", () => {});
  const drop = async () => {
    await pool.end();
    await execute(server.url, `drop database ${name} with (force)`);
  };
  return { url, pool, drop };
}

async function execute(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
