import pg from "pg";
import { expect, it, onTestFinished } from "vitest";
import { startBinaries } from "../../scripts/postgres-binaries.js";
import { syncBridge } from "../../src/bridge/sync.js";
import { postgresDestination } from "../../src/destination/postgres.js";
import { createMessage } from "../../src/message/create-message.js";
import { migrate } from "../../src/postgres/migrate.js";
import { Publisher } from "../../src/publisher/publisher.js";
import { transaction } from "../../src/transaction/transaction.js";
import { withTx } from "../../src/transaction/with-tx.js";

/** On a server of its own: the locks of all others would not fit either. */
async function smallServer(): Promise<pg.Pool> {
  const server = await startBinaries(process.env.POSTGRES_BIN);
  onTestFinished(() => server.stop());
  await server.control("restart", "-o", "-c max_locks_per_transaction=10 -c max_connections=10");
  const pool = new pg.Pool({ connectionString: server.url, max: 2 });
  pool.on("error", () => {});
  onTestFinished(() => pool.end());
  return pool;
}

it("more keys in a transaction than the server can lock fail with what to do, and the next one goes on", async () => {
  const pool = await smallServer();
  await migrate(pool);
  const publisher = new Publisher({ bridge: syncBridge([postgresDestination({ pool })]) });
  const messages = (count: number) =>
    Array.from({ length: count }, (_, n) =>
      createMessage("account.changed", n, { key: `${n}`, orderedByKey: true }),
    );
  const failing = transaction(pool, (tx) => publisher.publishMany(messages(20_000), withTx(tx)));
  await expect(failing).rejects.toMatchObject({
    code: "PUBLISH_FAILED",
    failures: [
      { error: { code: "TOO_MANY_KEYS", message: expect.stringContaining("max_locks_per") } },
    ],
  });
  const [result] = await publisher.publishMany(messages(1));
  expect(result?.status).toBe("stored");
});
