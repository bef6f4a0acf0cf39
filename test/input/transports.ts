import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { syncBridge } from "../../src/bridge/sync.js";
import type { Destination } from "../../src/destination/destination.js";
import { httpDestination } from "../../src/destination/http.js";
import { memoryDestination } from "../../src/destination/memory.js";
import { postgresDestination } from "../../src/destination/postgres.js";
import type { Message } from "../../src/message/message.js";
import { Publisher } from "../../src/publisher/publisher.js";
import { Receiver } from "../../src/receiver/receiver.js";
import { httpSource } from "../../src/source/http.js";
import { memorySource } from "../../src/source/memory.js";
import { postgresSource } from "../../src/source/postgres/source.js";
import { intervalTrigger } from "../../src/source/postgres/trigger.js";
import type { Source } from "../../src/source/source.js";
import { engine, until } from "../postgres/support.js";
import { silent } from "../receiver/support.js";

/** A publisher and a receiver of everything that it publishes. */
export interface Transport {
  readonly publisher: Publisher<true>;
  /** What was handled, by id. */
  readonly received: ReadonlyMap<string, Message>;
  /** Waits until all of them are handled. */
  waitFor(messages: readonly Message[]): Promise<void>;
  close(): Promise<void>;
}

export async function memory(): Promise<Transport> {
  const log = memoryDestination();
  return connect(log, memorySource(log), async () => {});
}

export async function http(): Promise<Transport> {
  const source = httpSource();
  const server = createServer(source.listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const destination = httpDestination(`http://127.0.0.1:${port}/`);
  return connect(destination, source, async () => {
    server.close();
    server.closeAllConnections();
  });
}

export async function postgres(): Promise<Transport & { readonly pool: Engine["pool"] }> {
  const { pool, close } = await engine();
  const transport = await connect(
    postgresDestination({ pool }),
    postgresSource({ pool, triggers: [intervalTrigger(20)] }),
    close,
  );
  return { ...transport, pool };
}

type Engine = Awaited<ReturnType<typeof engine>>;

async function connect(
  destination: Destination,
  source: Source,
  close: () => Promise<void>,
): Promise<Transport> {
  const received = new Map<string, Message>();
  const receiver = new Receiver({ source, logger: silent });
  receiver.on("all", "*", ({ message }) => {
    received.set(message.id, message);
  });
  await receiver.start();
  return {
    publisher: new Publisher({ bridge: syncBridge([destination]) }),
    received,
    waitFor: (messages) =>
      until(() => {
        const missing = messages.filter(({ id }) => !received.has(id));
        if (missing.length > 0) throw new Error(`${missing.length} messages are missing.`);
      }),
    async close() {
      await receiver.stop();
      await close();
    },
  };
}
