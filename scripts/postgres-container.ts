import { dockerAnswers } from "./docker.js";
import type { PostgresServer } from "./server.js";

const IMAGE = "postgres:18";

/** A server in a container, or nothing if there is no Docker engine that can run it. */
export async function startContainer(): Promise<PostgresServer | undefined> {
  if (!(await dockerAnswers())) return undefined;
  try {
    return await runContainer();
  } catch (error) {
    console.warn(`PostgreSQL: Docker answers, but can't run ${IMAGE} (${String(error)})`);
    return undefined;
  }
}

async function runContainer(): Promise<PostgresServer> {
  const { PostgreSqlContainer } = await import("@testcontainers/postgresql");
  const container = await new PostgreSqlContainer(IMAGE)
    .withCommand(["postgres", "-c", "max_connections=200", "-c", "max_prepared_transactions=50"])
    .start();
  const stop = async () => {
    await container.stop();
  };
  return { url: container.getConnectionUri(), kind: `${IMAGE} in Docker`, stop };
}
