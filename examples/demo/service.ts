import { createServer, type IncomingMessage } from "node:http";
import { json } from "node:stream/consumers";
import { createMessage, Publisher, syncBridge, transaction, withTx } from "opinionated-events";
import { postgresDestination } from "opinionated-events/postgres";
import pg from "pg";
import { serveUntilStopped } from "./child.js";

/** The web service: `service.ts DATABASE_URL PORT`. Takes webhooks, and publishes each as `github.<event>`. */
const [connectionString, port] = process.argv.slice(2);

const pool = new pg.Pool({ connectionString });
const publisher = new Publisher({ bridge: syncBridge([postgresDestination({ pool })]) });

const server = createServer(async (request, response) => {
  try {
    await accept(request);
    response.writeHead(202).end();
  } catch (error) {
    if (!(error instanceof AskedTo)) console.error(error);
    response.writeHead(500).end();
  }
});

/** The business row and the message exist both, or neither. A webhook that GitHub sends again is stored once. */
async function accept(request: IncomingMessage): Promise<void> {
  const id = String(request.headers["x-github-delivery"]);
  const event = String(request.headers["x-github-event"]);
  const message = createMessage(`github.${event}`, await json(request), { id });
  await transaction(pool, async (tx) => {
    await tx.query("insert into webhook (id, event) values ($1, $2) on conflict do nothing", [
      id,
      event,
    ]);
    await publisher.publishOne(message, withTx(tx));
    if (request.headers["x-demo-roll-back"]) throw new AskedTo();
  });
}

/** Stands for whatever makes a transaction fail after the publish. */
class AskedTo extends Error {}

server.listen(Number(port), "127.0.0.1", () =>
  serveUntilStopped(async () => {
    await new Promise((closed) => server.close(closed));
    await publisher.drain();
    await pool.end();
  }),
);
