import { setTimeout } from "node:timers/promises";
import pg from "pg";
import { type OwnPostgresServer, startBinaries } from "../../scripts/postgres-binaries.js";
import { addressOf, startProxy } from "./proxy.js";

/** A server with a standby that streams from it, behind one address. */
export interface ReplicatedServer {
  /** Of a superuser, on the database `postgres` of whoever is primary. */
  readonly url: string;
  /** Ends the primary at once, promotes the standby, and leads the address there. Once. */
  failOver(): Promise<void>;
  /** The standby has all that is committed now, and hears nothing more. */
  partReplication(): Promise<void>;
  stop(): Promise<void>;
}

/** `synchronous`: a commit waits until the standby has it on disk. */
export async function startReplicated(
  synchronous: boolean,
  binFolder?: string,
): Promise<ReplicatedServer> {
  const primary = await startBinaries(binFolder);
  const address = addressOf(primary.url);
  const [way, link] = await Promise.all([startProxy(address), startProxy(address)]);
  const standby = await primary.copy({ host: "127.0.0.1", port: link.port });
  if (synchronous) await makeSynchronous(primary);
  await untilReplicated(primary);
  return {
    url: Object.assign(new URL(primary.url), { port: String(way.port) }).href,
    async failOver() {
      await primary.control("stop", "-m", "immediate");
      await standby.control("promote");
      way.lead(addressOf(standby.url));
    },
    async partReplication() {
      await untilReplicated(primary);
      link.silence();
    },
    async stop() {
      await Promise.all([way.close(), link.close()]);
      await Promise.all([primary.stop(), standby.stop()]);
    },
  };
}

async function makeSynchronous({ url }: OwnPostgresServer): Promise<void> {
  await asked(url, "alter system set synchronous_standby_names = '*'");
  await asked(url, "select pg_reload_conf()");
}

/** The standby has what is committed now. */
async function untilReplicated({ url }: OwnPostgresServer): Promise<void> {
  const [now] = await asked(url, "select pg_current_wal_flush_lsn() as lsn");
  const reached = `select from pg_stat_replication
    where replay_lsn >= '${now?.lsn}' and (sync_state = 'sync' or current_setting('synchronous_standby_names') = '')`;
  while ((await asked(url, reached)).length === 0) await setTimeout(20);
}

async function asked(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}
