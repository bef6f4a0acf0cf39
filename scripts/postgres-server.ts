import { startBinaries } from "./postgres-binaries.js";
import { startContainer } from "./postgres-container.js";
import type { PostgresServer } from "./server.js";

/**
 * A PostgreSQL server to work with: the one at `DATABASE_URL`; else one of the binaries in the folder
 * `POSTGRES_BIN`; else a container, if a Docker engine answers; else one of the binaries from npm.
 * One of ours never outlives this process, however that ends. `more`: lines for the postgresql.conf of one from binaries.
 */
export async function startPostgres(more: readonly string[] = []): Promise<PostgresServer> {
  const { DATABASE_URL: url, POSTGRES_BIN: folder } = process.env;
  const server = url ? existingServer(url) : await newServer(folder, more);
  console.log(`PostgreSQL: ${server.kind}`);
  return server;
}

function existingServer(url: string): PostgresServer {
  return { url, kind: "the server at DATABASE_URL", stop: async () => {} };
}

async function newServer(
  folder: string | undefined,
  more: readonly string[],
): Promise<PostgresServer> {
  if (folder) return startBinaries(folder, more);
  return (await startContainer()) ?? (await startBinaries(undefined, more));
}
