import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type OwnPostgresServer, startBinaries } from "../../scripts/postgres-binaries.js";
import { createMessage } from "../../src/message/create-message.js";
import type { Receiver } from "../../src/receiver/receiver.js";
import { deferred } from "../receiver/support.js";
import { type Listening, listening, NAME } from "./listening.js";
import { deliveries, rows, until } from "./support.js";

let server: OwnPostgresServer;
let on: Listening;
/** Nobody but the receiver watches it, and its idle connections are lost, too. */
let pool: pg.Pool;
let receiver: Receiver;
let openGate: () => void;

beforeEach(async () => {
  server = await startBinaries(process.env.POSTGRES_BIN);
  on = await listening(databaseOf(server));
  pool = new pg.Pool({ connectionString: server.url });
  const gate = deferred();
  openGate = gate.resolve;
  receiver = on.receiver(pool, gate.promise);
  await receiver.start();
});
afterEach(async () => {
  openGate();
  await receiver.stop();
  // Ending it resolves before its sockets are closed, which may find the server gone.
  pool.on("error", () => {});
  await pool.end();
  await on.close();
});

function databaseOf({ url, stop }: OwnPostgresServer) {
  const direct = new pg.Pool({ connectionString: url });
  direct.on("error", () => {});
  const drop = async () => {
    await direct.end();
    await stop();
  };
  return { url, pool: direct, drop };
}

const open = () => rows(on.db.pool, "select from opinionated_events.lease");

describe("a server that goes away and comes back", { timeout: 60_000 }, () => {
  it.each(["fast", "immediate"])(
    "by a restart (%s): receiver and publisher go on, and nothing is lost",
    async (mode) => {
      await on.db.publisher.publishMany([1, 2, 3].map((n) => createMessage(NAME, n)));
      await until(async () => expect(await open()).toHaveLength(1));

      await server.control("stop", "-m", mode);
      await expect(on.publish("refused")).rejects.toMatchObject({ code: "PUBLISH_FAILED" });
      openGate();
      await until(() => expect(on.seen).toEqual(expect.arrayContaining([1, 2, 3])));

      await server.control("start");
      await until(async () => expect(await on.sessions()).toHaveLength(1));
      await on.expectWakeUps();
      await until(async () => expect(await open()).toEqual([]));
      await until(async () => expect(await deliveries(on.db)).toEqual([]));
      expect(on.seen).not.toContain("refused");
    },
  );

  it("as a standby that is promoted, on which nobody could listen at first", async () => {
    openGate();
    await writeFile(join(server.data, "standby.signal"), "");
    await server.control("restart", "-m", "fast");
    const refused = expect.objectContaining({
      code: "LISTENER_FAILED",
      message: expect.stringContaining("during recovery"),
    });
    await until(() => expect(on.errors).toContainEqual(refused));
    await server.control("promote");
    await until(async () => {
      await on.publish("promoted");
      expect(on.seen).toContain("promoted");
    });
    await on.expectWakeUps();
  });
});
