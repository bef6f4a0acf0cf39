import type { Pool } from "pg";
import type { Database } from "./database.js";
import type { Processes } from "./processes.js";

/** What brings the messages from the outbox to the handlers. */
export interface Transport {
  /** Starts its processes. Resolves with what makes one of them crash in the middle of its work, and replaces it. */
  start(database: Database, processes: Processes): Promise<Crash>;
  /** Brings into the database what the check at the end goes by. */
  collect(pool: Pool): Promise<void>;
  stop(): Promise<void>;
}

/** `note` is told of what was done. */
type Crash = (note: (text: string) => void) => Promise<void>;
