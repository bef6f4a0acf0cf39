import type { ClientConfig } from "pg";
import { assertInteger, MAX_TIMER_MS } from "../../message/options.js";
import { type Listener, type ListenerOptions, listen } from "../../postgres/listener.js";

/** What makes a Postgres source look for work. */
export type Trigger = IntervalTrigger | NotifyTrigger;

export interface IntervalTrigger {
  readonly type: "interval";
  readonly ms: number;
}

export interface NotifyTrigger {
  readonly type: "notify";
  listen(options: Omit<ListenerOptions, "connection">): Promise<Listener>;
}

/** Looks for work every so many milliseconds. Throws `INVALID_OPTIONS`. */
export function intervalTrigger(ms: number): IntervalTrigger {
  assertInteger("intervalTrigger", ms, 1, MAX_TIMER_MS);
  return { type: "interval", ms };
}

/**
 * Looks for work when a publish notifies. Takes the options of a `pg` client, for a direct connection of its own (not a
 * pooler in transaction mode). While it lives, other processes see that this one does; when the process dies, they
 * take over its work within seconds.
 */
export function notifyTrigger(connection: ClientConfig): NotifyTrigger {
  return { type: "notify", listen: (options) => listen({ ...options, connection }) };
}
