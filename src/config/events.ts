import { asyncBridge } from "../bridge/async.js";
import { syncBridge } from "../bridge/sync.js";
import type { Destination } from "../destination/destination.js";
import { EventsError } from "../message/errors.js";
import { Publisher } from "../publisher/publisher.js";
import type { RelayOptions } from "../relay/options.js";
import { type Relay, relay } from "../relay/relay.js";
import type { HttpSource } from "../source/http.js";
import type { Source } from "../source/source.js";
import { Clients } from "./clients.js";
import type { Kind, KindName, Make } from "./kinds/kind.js";
import { Named } from "./named.js";
import { relayOptions } from "./relay-options.js";
import type { PublisherConfig } from "./schema/publishers.js";
import type { Config } from "./schema/schema.js";

/** What a relay of a configuration is told besides. */
export type RelayListeners = Pick<RelayOptions, "onError" | "onDead" | "logger" | "signal">;

/**
 * What a configuration names. Each is made when it is asked for, once; a name that is not there throws `UNKNOWN_NAME` with those
 * that are.
 */
export interface Events {
  /** Without a name, the one that `defaults.publisher` names. */
  publisher(name?: string): Publisher;
  /** Without a name, the one that `defaults.source` names. */
  source(name?: string): Source;
  /** As `source`, for one of kind http, whose `fetch` or `listener` a server needs. */
  httpSource(name?: string): HttpSource;
  destination(name: string): Destination;
  /** Starts a relay. Stop it before `close`. */
  relay(name: string, listeners?: RelayListeners): Promise<Relay>;
  /** The names of the relays. */
  readonly relays: readonly string[];
  /**
   * Drains the publishers, for `deadlineMs` (default 10,000) milliseconds at the most, then ends the pools and clients that
   * were made. Stop receivers and relays first.
   */
  close(options?: { readonly deadlineMs?: number }): Promise<void>;
}

/** The kinds are those that the configuration has. */
export function createEvents(config: Config, kinds: ReadonlyMap<KindName, Kind<KindName>>): Events {
  const clients = new Clients();
  // A kind has what the schema lets a file ask of it.
  const kindOf = (name: KindName) => kinds.get(name) as Required<Kind<KindName>>;
  const make: Make = { clients, destination: (name) => destinations.get(name) };
  const destinations = new Named("destination", config.destinations, (entry) =>
    kindOf(entry.kind).destination(entry, make),
  );
  const sources = new Named("source", config.sources, (entry) =>
    kindOf(entry.kind).source(entry, make),
  );
  const publishers = new Named("publisher", config.publishers, (entry) => publisherOf(entry, make));
  const relays = new Named("relay", config.relays, (entry) => entry);
  const source = (name = config.defaults.source) => sources.get(name);

  return {
    publisher: (name = config.defaults.publisher) => publishers.get(name),
    source,
    httpSource: (name) => asHttpSource(source(name)),
    destination: (name) => destinations.get(name),
    async relay(name, listeners = {}) {
      const entry = relays.get(name);
      const ends = { from: sources.get(entry.from), to: destinations.get(entry.to) };
      return relay({ ...ends, ...relayOptions(entry), ...listeners });
    },
    relays: Object.keys(config.relays),
    async close({ deadlineMs = 10_000 } = {}) {
      await Promise.all(publishers.made.map((publisher) => publisher.drain({ deadlineMs })));
      await clients.close();
    },
  };
}

function publisherOf(entry: PublisherConfig, make: Make): Publisher {
  const to = entry.destinations.map((name) => make.destination(name));
  const { destinations: _, bridge, ...options } = entry;
  if (bridge === "sync") return new Publisher({ bridge: syncBridge(to, options) });
  return new Publisher({ bridge: asyncBridge(to, options) });
}

function asHttpSource(source: Source): HttpSource {
  if ("listener" in source) return source as HttpSource;
  const text = `The source is of kind ${source.name}, not http: use source() for it.`;
  throw new EventsError("INVALID_OPTIONS", text);
}
