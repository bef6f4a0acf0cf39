import type { Destination } from "../../destination/destination.js";
import type { Source } from "../../source/source.js";
import type { Clients } from "../clients.js";
import type { DestinationConfig } from "../schema/destinations.js";
import type { SourceConfig } from "../schema/sources.js";

export type KindName = DestinationConfig["kind"] | SourceConfig["kind"];

type Of<C extends { kind: string }, K extends string> = Extract<C, { kind: K }>;

/** What the kinds of a file can make of their options. */
export interface Make {
  readonly clients: Clients;
  /** Another destination of the file. */
  destination(name: string): Destination;
}

/** How destinations and sources of one kind are made. Each is a module of its own, loaded only where a file has the kind. */
export interface Kind<K extends KindName> {
  destination?(config: Of<DestinationConfig, K>, make: Make): Destination;
  source?(config: Of<SourceConfig, K>, make: Make): Source;
  /**
   * Rejects if what it needs can't be reached and used. Resolves with false where it needs nothing; then it may be missing,
   * too. Each step takes so long at the most, in ms.
   */
  check?(config: Of<DestinationConfig | SourceConfig, K>, timeoutMs: number): Promise<boolean>;
}
