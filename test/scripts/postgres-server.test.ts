import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { access } from "node:fs/promises";
import pg from "pg";
import { afterEach, expect, test, vi } from "vitest";
import { startBinaries } from "../../scripts/postgres-binaries.js";
import { startPostgres } from "../../scripts/postgres-server.js";

const STARTER = `
  import { startBinaries } from "./scripts/postgres-binaries.ts";
  console.log((await startBinaries()).url);
  setInterval(() => {}, 1_000);
`;
const patience = { timeout: 20_000 };

afterEach(() => {
  vi.unstubAllEnvs();
});

test("a server of its own runs until it is stopped, and leaves nothing behind", async () => {
  const server = await startBinaries();
  const folder = await socketFolder(server.url);
  await expect(access(folder)).resolves.toBeUndefined();

  await server.stop();
  await expect(select1(server.url)).rejects.toThrow("ECONNREFUSED");
  await expect(access(folder)).rejects.toThrow("ENOENT");
});

test("a server does not outlive a process that is killed", async () => {
  const starter = spawn(
    process.execPath,
    ["--import", "tsx", "--input-type=module", "-e", STARTER],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  const url = await firstLine(starter);
  const folder = await socketFolder(url);

  starter.kill("SIGKILL");
  await vi.waitFor(() => expect(access(folder)).rejects.toThrow("ENOENT"), patience);
  await expect(select1(url)).rejects.toThrow("ECONNREFUSED");
});

test("the server at DATABASE_URL comes first, and is not stopped", async () => {
  const own = await startBinaries();
  vi.stubEnv("DATABASE_URL", own.url);
  vi.stubEnv("POSTGRES_BIN", "/nowhere");
  const server = await startPostgres();
  await server.stop();

  expect(server.url).toBe(own.url);
  await expect(select1(server.url)).resolves.toBe(1);
  await own.stop();
});

test("a folder without binaries is named in the error", async () => {
  await expect(startBinaries("/nowhere")).rejects.toThrow("/nowhere/initdb");
});

async function firstLine(child: ChildProcess): Promise<string> {
  const [chunk] = await once(child.stdout ?? child, "data");
  return String(chunk).trim();
}

async function socketFolder(url: string): Promise<string> {
  return (await query(url, "show unix_socket_directories")).unix_socket_directories;
}

async function select1(url: string): Promise<number> {
  return (await query(url, "select 1 as one")).one;
}

async function query(url: string, sql: string) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query(sql);
  await client.end();
  return rows[0];
}
