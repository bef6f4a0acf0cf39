import type { TestProject } from "vitest/node";
import { startPostgres } from "../../scripts/postgres-server.js";

declare module "vitest" {
  interface ProvidedContext {
    /** Of the run's server; empty if none could be started. */
    databaseUrl: string;
  }
}

/** One server for the whole run. Tests that don't need it run without it, too. */
export async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  try {
    const server = await startPostgres();
    project.provide("databaseUrl", server.url);
    return () => server.stop();
  } catch (error) {
    console.error("PostgreSQL: none, the tests that need it will fail.", error);
    project.provide("databaseUrl", "");
    return undefined;
  }
}
