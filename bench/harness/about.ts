import { readFile } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import pg from "pg";

const PACKAGES = ["pg", "graphile-worker", "pg-boss", "undici"];
const SETTINGS = [
  "fsync",
  "synchronous_commit",
  "full_page_writes",
  "shared_buffers",
  "max_wal_size",
  "autovacuum",
  "max_connections",
];

/** What the run stands on: the machine, versions, the server's settings; a line each. */
export async function about(serverUrl: string, kind: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: serverUrl });
  await client.connect();
  const { rows } = await client.query(
    "select name, current_setting(name) as value from pg_settings where name = any ($1) order by name",
    [SETTINGS],
  );
  await client.end();
  const versions = await Promise.all(
    PACKAGES.map(async (name) => `${name} ${await versionOf(name)}`),
  );
  return [
    `PostgreSQL ${kind.split(",")[0]}`,
    `settings: ${rows.map(({ name, value }) => `${name} ${value}`).join(", ")}`,
    `Node ${process.versions.node}, ${versions.join(", ")}`,
    `${cpus().length} cores, ${cpus()[0]?.model}`,
  ];
}

/** Not by resolving it: not every package exports its package.json. */
async function versionOf(name: string): Promise<string> {
  const file = join("node_modules", name, "package.json");
  return JSON.parse(await readFile(file, "utf8")).version;
}
