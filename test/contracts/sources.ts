import { asyncBridge } from "../../src/bridge/async.js";
import { httpDestination } from "../../src/destination/http.js";
import { HttpError } from "../../src/destination/http-error.js";
import { memoryDestination } from "../../src/destination/memory.js";
import { postgresDestination } from "../../src/destination/postgres.js";
import { type HttpSource, httpSource } from "../../src/source/http.js";
import { type MemorySource, memorySource } from "../../src/source/memory.js";
import { postgresSource } from "../../src/source/postgres/source.js";
import type { Trigger } from "../../src/source/postgres/trigger.js";
import type { DeadMessage, SourceImplementation } from "../../src/testing.js";
import { httpServer } from "./http-server.js";
import type { PostgresPlaces } from "./postgres-place.js";

const { signal } = new AbortController();

const NO_LOG = "it keeps no messages: what no receiver took is still the sender's, and comes";
const UNORDERED = "an HTTP source refuses ordered queues, since a sender does not wait";
const NO_QUEUES = "it knows the subscriptions of its receiver alone";

const memory: SourceImplementation = {
  name: "memory",
  leavesOut: { "lets the workers of one queue compete": "it serves one receiver at a time" },
  async open() {
    const log = memoryDestination();
    let source: MemorySource | undefined;
    return {
      // Its state is the source's, so that a restart needs the same one.
      source: (options) => {
        source ??= memorySource(log, options);
        return source;
      },
      publish: async (messages) => {
        await log.deliver(messages, { signal });
      },
      dead: async () =>
        (source?.dead ?? []).map(({ message, reason }) => ({
          id: message.id,
          reason: reason.message,
        })),
      parked: async () => (source?.parked ?? []).map(({ message }) => message.id),
      close: async () => {},
    };
  },
};

/** With the sender that is meant for it: retries and schedules are the sender's here. */
const http: SourceImplementation = {
  name: "http",
  leavesOut: {
    "lets the workers of one queue compete": "a URL leads to one receiver",
    "delivers in the order of publishing to one worker": "an HTTP destination is not ordered",
    "begins now: what was published before the start is not delivered": NO_LOG,
    "begins with the earliest message, if told to": NO_LOG,
    "begins at a time, if told to": NO_LOG,
    "runs the messages of a key one at a time, in the order of publishing": UNORDERED,
    "holds what follows a message that fails, and no other key": UNORDERED,
    "goes on behind a message that is dead": UNORDERED,
    "does not hold messages without a key": UNORDERED,
    "parks what no handler takes, visibly, and goes on": NO_QUEUES,
    "delivers what was parked once a handler is there": NO_QUEUES,
  },
  async open() {
    let current: HttpSource | undefined;
    const server = await httpServer((request, response) => {
      if (current) current.listener(request, response);
      else response.writeHead(503).end();
    });
    const sender = asyncBridge([httpDestination(server.url)], { maxAttempts: 1_000, waitMs: 1 });
    const dead: DeadMessage[] = [];
    sender.onDeliveryFailure((messages, error) => {
      if (!(error instanceof HttpError)) return;
      dead.push(...messages.map(({ id }) => ({ id, reason: error.message })));
    });
    return {
      source: (options) => {
        current = httpSource(options);
        return current;
      },
      publish: async (messages) => {
        await sender.publish(messages, {});
      },
      dead: async () => dead,
      parked: async () => [],
      async close() {
        await sender.drain({ deadlineMs: 0 });
        await server.close();
      },
    };
  },
};

function postgres(
  name: string,
  places: () => PostgresPlaces,
  triggers: (url: string) => readonly Trigger[],
): SourceImplementation {
  return {
    name,
    transactional: true,
    async open() {
      const { url, pool, schema, deliveries, effects, close } = await places().open();
      const destination = postgresDestination({ pool, schema });
      return {
        source: (options) => postgresSource({ pool, schema, triggers: triggers(url), ...options }),
        publish: async (messages) => {
          await destination.deliver(messages, { signal });
        },
        dead: async () => deliveries("dead"),
        parked: async () => (await deliveries("parked")).map(({ id }) => id),
        transactions: effects,
        close,
      };
    },
  };
}

export const sources = { memory, http, postgres };
