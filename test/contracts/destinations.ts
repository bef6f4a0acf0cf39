import { createWriteStream } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import { from as copyFrom } from "pg-copy-streams";
import { httpDestination } from "../../src/destination/http.js";
import { memoryDestination } from "../../src/destination/memory.js";
import {
  type PostgresDestinationOptions,
  postgresDestination,
} from "../../src/destination/postgres.js";
import { stdoutDestination } from "../../src/destination/stdout.js";
import { decodeEnvelopes } from "../../src/message/envelope.js";
import type { Message } from "../../src/message/message.js";
import { Receiver } from "../../src/receiver/receiver.js";
import { httpSource } from "../../src/source/http.js";
import type { DestinationImplementation } from "../../src/testing.js";
import { transaction } from "../../src/transaction/transaction.js";
import { silent } from "../receiver/support.js";
import { httpServer } from "./http-server.js";
import type { PostgresPlaces } from "./postgres-place.js";

const ALWAYS_THERE = "the process's own memory is always reachable";
const NO_MEMORY = "it writes lines, and remembers no ids";
const STAYS_BROKEN = "a stream that has failed takes nothing more";

const memory: DestinationImplementation = {
  name: "memory",
  capabilities: { ordered: true, dedupKeys: true },
  leavesOut: {
    "rejects with an Error while its place can't be reached": ALWAYS_THERE,
    "leaves no phantom of what it rejected": ALWAYS_THERE,
    "takes a rejected batch when it comes again, once": ALWAYS_THERE,
    "keeps what it took before it failed": ALWAYS_THERE,
  },
  async open() {
    const destination = memoryDestination();
    return { destination, received: async () => destination.messages, close: async () => {} };
  },
};

/** Into a file, as a shell's redirection does. */
const stdout: DestinationImplementation = {
  name: "stdout",
  capabilities: { ordered: true },
  leavesOut: {
    "keeps an id once that comes twice in one call": NO_MEMORY,
    "keeps an id once that comes in concurrent calls": NO_MEMORY,
    "keeps the first message of an id": NO_MEMORY,
    "tells a duplicate from what is new, if it tells anything": NO_MEMORY,
    "leaves no phantom of what it rejected": STAYS_BROKEN,
    "takes a rejected batch when it comes again, once": STAYS_BROKEN,
  },
  async open() {
    const folder = await mkdtemp(join(tmpdir(), "opinionated-events-stdout-"));
    const file = join(folder, "lines");
    const stream = createWriteStream(file);
    const close = async () => {
      stream.destroy();
      await finished(stream).catch(() => {});
    };
    return {
      destination: stdoutDestination({ stream }),
      received: async () =>
        (await readFile(file, "utf8")).split("\n").slice(0, -1).flatMap(decodeEnvelopes),
      outage: { begin: close, end: async () => {} },
      async close() {
        await close();
        await rm(folder, { recursive: true });
      },
    };
  },
};

const http: DestinationImplementation = {
  name: "http",
  capabilities: { maxBatch: 100 },
  leavesOut: {
    "keeps a delay, as such or as a time": "an HTTP source takes a message only when it is due",
  },
  async open() {
    const handled: Message[] = [];
    const source = httpSource();
    const receiver = new Receiver({ source, logger: silent });
    await receiver.on("q", "*", ({ message }) => handled.push(message)).start();
    const { url, outage, close } = await httpServer(source.listener);
    return {
      destination: httpDestination(url),
      received: async () => handled,
      outage,
      async close() {
        await receiver.stop();
        await close();
      },
    };
  },
};

function postgres(
  name: string,
  places: () => PostgresPlaces,
  options: Pick<PostgresDestinationOptions, "preparedStatements" | "copyFrom"> = {},
): DestinationImplementation {
  return {
    name,
    capabilities: { transactional: true, ordered: true, dedupKeys: true, maxBatch: 1_000 },
    async open() {
      const { pool, schema, messages, outage, close } = await places().open();
      return {
        destination: postgresDestination({ pool, schema, ...options }),
        received: messages,
        outage,
        transaction: (fn) => transaction(pool, fn),
        close,
      };
    },
  };
}

export const destinations = (places: () => PostgresPlaces): DestinationImplementation[] => [
  memory,
  stdout,
  http,
  postgres("postgres", places),
  postgres("postgres, prepared", places, { preparedStatements: true }),
  postgres("postgres, copied", places, { copyFrom }),
];
