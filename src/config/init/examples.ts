import type { ConfigInput } from "../schema/schema.js";

const databaseUrl = ["$", "{DATABASE_URL}"].join("");

/** What a new file says. */
export const starter: Required<ConfigInput> = {
  defaults: { publisher: "main", source: "main" },
  publishers: { main: { bridge: "sync", destinations: ["outbox"] } },
  destinations: { outbox: { kind: "postgres", connectionString: databaseUrl } },
  sources: { main: { kind: "postgres", connectionString: databaseUrl } },
  relays: {},
};

/** One of each other kind, as comments of a new file. */
export const others: ConfigInput = {
  publishers: { notifications: { bridge: "async", destinations: ["web"] } },
  destinations: {
    web: { kind: "http", url: "https://example.com/_events" },
    kafka: { kind: "kafka", brokers: ["localhost:9092"] },
    memory: { kind: "memory" },
    console: { kind: "stdout" },
  },
  sources: {
    web: { kind: "http" },
    kafka: { kind: "kafka", brokers: ["localhost:9092"] },
    memory: { kind: "memory", destination: "memory" },
  },
  relays: { "to-web": { from: "main", to: "web", queue: "to-web" } },
};
