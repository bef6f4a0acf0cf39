import { randomUUID } from "node:crypto";
import pg from "pg";
import type { TestProject } from "vitest/node";
import { startPostgres } from "../../scripts/postgres-server.js";
import { migrate } from "../../src/postgres/migrate.js";
import { buildTree } from "./tree.js";

declare module "vitest" {
  interface ProvidedContext {
    /** Of the run's server; empty if none could be started. */
    databaseUrl: string;
    /** The name of a database on it that is migrated, to be copied. */
    migratedDatabase: string;
    /** The root of the tree that processes run on. */
    tree: string;
  }
}

/** Hundreds of databases are made and dropped. Servers and processes crash in tests, the machine does not. */
const SETTINGS = ["fsync = off", "full_page_writes = off", "synchronous_commit = off"];

/** One server for the whole run, and one tree for its processes. Tests that don't need the server run without it, too. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const tree = await buildTree();
  project.provide("tree", tree.root.href);
  const stopServer = await setupServer(project);
  return async () => {
    await stopServer();
    await tree.remove();
  };
}

async function setupServer(project: TestProject): Promise<() => Promise<void>> {
  try {
    const server = await startPostgres(SETTINGS);
    const name = `migrated_${randomUUID().replaceAll("-", "")}`;
    await withClient(server.url, (client) => client.query(`create database ${name}`));
    await migrateDatabase(Object.assign(new URL(server.url), { pathname: name }).href);
    project.provide("databaseUrl", server.url);
    project.provide("migratedDatabase", name);
    return async () => {
      await withClient(server.url, (client) => client.query(`drop database ${name}`));
      await server.stop();
    };
  } catch (error) {
    console.error("PostgreSQL: none, the tests that need it will fail.", error);
    project.provide("databaseUrl", "");
    return async () => {};
  }
}

async function withClient(url: string, work: (client: pg.Client) => Promise<unknown>) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await work(client).finally(() => client.end());
}

async function migrateDatabase(connectionString: string): Promise<void> {
  const pool = new pg.Pool({ connectionString, max: 1 });
  pool.on("error", () => {});
  await migrate(pool).finally(() => pool.end());
}
