import { type EventEmitter, once } from "node:events";
import type { ClientConfig } from "pg";
import pgListen from "pg-listen";
import { EventsError } from "../message/errors.js";
import { Sockets } from "./sockets.js";

export interface ListenerOptions {
  readonly connection: ClientConfig;
  readonly channel: string;
  /** The application_name of the connection: other processes tell from it that this one lives. */
  readonly session: string;
  /** Notifies the channel from a connection of the pool. */
  readonly notify: () => Promise<unknown>;
  /** Called on every notification, and on every reconnection, since notifications may have been missed before it. */
  readonly wake: (what: Notification) => void;
  /** Told that the connection was lost, once each time, and of what else keeps it from listening. */
  readonly onError: (error: unknown) => void;
}

/** What there may be: news in the log alone, or deliveries that are due as well. */
export type Notification = "news" | "due";

export interface Listener {
  /** No connection and no timer is left, also if a reconnect was under way: that may take a second. */
  close(): Promise<void>;
}

/** A silent connection is found dead within the check's interval and this timeout, in ms. */
const CHECK_MS = 2_000;
const TIMEOUT_MS = 1_500;
const FIRST_RETRY_MS = 50;
const MAX_RETRY_MS = 1_000;
const ECHO_MS = 5_000;

const NEEDS =
  "it needs a direct connection to the pool's database, not a pooler in transaction mode";

/**
 * Holds one connection of its own that listens, and reconnects for ever. Rejects with `LISTENER_FAILED` if the first
 * connection can't be made, or if it doesn't hear what the pool notifies.
 */
export async function listen(options: ListenerOptions): Promise<Listener> {
  const listener = new PgListener(options);
  await listener.start();
  return listener;
}

/** What pg-listen leaves to its user: docs/decisions/listener.md. */
class PgListener implements Listener {
  readonly #options: ListenerOptions;
  readonly #sockets: Sockets;
  readonly #subscriber: pgListen.Subscriber;
  readonly #events: EventEmitter;
  #reconnecting: Promise<unknown> | undefined;
  #retry: NodeJS.Timeout | undefined;

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#sockets = new Sockets(options.connection.stream);
    this.#subscriber = pgListen.default(connectionOf(options, this.#sockets), {
      parse: (payload) => payload,
      paranoidChecking: CHECK_MS,
      retryTimeout: 0,
      retryInterval: (attempt) => this.#retryDelay(attempt),
    });
    this.#events = this.#subscriber.events as unknown as EventEmitter;
    this.#events.on("reconnect", (attempt: number) => attempt === 1 && this.#lost());
    this.#events.on("error", (error: Error) => this.#failed(error));
  }

  async start(): Promise<void> {
    try {
      await this.#connect();
      await this.#hearPool();
    } catch (error) {
      await this.close();
      throw error;
    }
    this.#events.on("connected", () => this.#options.wake("due"));
    this.#events.on("notification", ({ payload }: { payload: string }) =>
      this.#options.wake(payload === "due" ? "due" : "news"),
    );
  }

  async close(): Promise<void> {
    clearTimeout(this.#retry);
    const ended = this.#subscriber.close();
    // Ending politely waits for a server that may be gone.
    this.#sockets.close();
    await Promise.all([ended, this.#reconnecting]);
  }

  async #connect(): Promise<void> {
    try {
      await this.#subscriber.connect();
      await this.#subscriber.listenTo(this.#options.channel);
    } catch (error) {
      throw failure(`failed: ${(error as Error).message}`, error);
    }
  }

  async #hearPool(): Promise<void> {
    const signal = AbortSignal.timeout(ECHO_MS);
    const heard = once(this.#events, "notification", { signal }).catch((cause) => {
      throw failure(`heard nothing of the pool within ${ECHO_MS} ms: ${NEEDS}`, cause);
    });
    await Promise.all([heard, this.#options.notify()]);
  }

  #lost(): void {
    this.#reconnecting = once(this.#events, "connected").catch(() => {});
    this.#options.onError(failure("was lost: it reconnects, and the interval finds the work"));
  }

  /** A connection that could not listen lives on without: it is cut, so that another one is made. */
  #failed(error: Error): void {
    if (this.#sockets.isClosed) return;
    this.#options.onError(failure(`failed: ${error.message}`, error));
    this.#retry = setTimeout(() => this.#sockets.destroy(), MAX_RETRY_MS);
  }

  #retryDelay(attempt: number): number {
    // Throwing is the only way to end its reconnect loop.
    this.#sockets.assertOpen();
    const delay = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(attempt, 10));
    return delay * (0.5 + Math.random() / 2);
  }
}

function failure(what: string, cause?: unknown): EventsError {
  return new EventsError("LISTENER_FAILED", `The listening connection ${what}.`, { cause });
}

function connectionOf({ connection, session }: ListenerOptions, sockets: Sockets): ClientConfig {
  const { connectionString } = connection;
  return {
    ...connection,
    // What a connection string says beats every other field.
    ...(connectionString !== undefined && { connectionString: withoutName(connectionString) }),
    application_name: session,
    connectionTimeoutMillis: TIMEOUT_MS,
    query_timeout: TIMEOUT_MS,
    stream: () => sockets.make(),
  };
}

function withoutName(connectionString: string): string {
  return connectionString.replace(/([?&])application_name=[^&]*&?/, "$1");
}
