import { Socket } from "node:net";
import type { ClientConfig } from "pg";
import pgListen from "pg-listen";
import { EventsError } from "../message/errors.js";

export interface ListenerOptions {
  readonly connection: ClientConfig;
  readonly channel: string;
  /** The application_name of the connection: other processes tell from it that this one lives. */
  readonly session: string;
  /** Called on every notification, and on every connection, since notifications may have been missed before it. */
  readonly wake: () => void;
  readonly onError: (error: unknown) => void;
}

export interface Listener {
  close(): Promise<void>;
}

/** A silent connection is found dead within the check's interval and this timeout, in ms. */
const CHECK_MS = 2_000;
const TIMEOUT_MS = 1_500;
const MAX_RETRY_MS = 2_000;

/**
 * Holds one connection of its own that listens, and reconnects for ever. Rejects with `LISTENER_FAILED` if the first
 * connection can't be made. After `close` no connection is left, also if a reconnect was under way.
 */
export async function listen(options: ListenerOptions): Promise<Listener> {
  const { channel, wake, onError } = options;
  const sockets = new Set<Socket>();
  let closed = false;
  const subscriber = pgListen.default(connectionOf(options, sockets), {
    parse: (payload) => payload,
    paranoidChecking: CHECK_MS,
    retryTimeout: 0,
    // Throwing is the only way to end its reconnect loop.
    retryInterval: (attempt) => {
      if (closed) throw new Error("closed");
      return Math.min(MAX_RETRY_MS, 50 * 2 ** Math.min(attempt, 10)) * (0.5 + Math.random() / 2);
    },
  });
  subscriber.events.on("error", (error) => closed || onError(failed(error)));
  subscriber.events.on("connected", wake);
  subscriber.events.on("notification", wake);
  const close = async () => {
    closed = true;
    // Ending politely waits for the server, which may be gone.
    const ended = subscriber.close().catch(() => {});
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, TIMEOUT_MS).unref())]);
    for (const socket of sockets) socket.destroy();
  };
  try {
    await subscriber.connect();
    await subscriber.listenTo(channel);
  } catch (error) {
    await close();
    throw failed(error);
  }
  return { close };
}

function failed(error: unknown): EventsError {
  const text = `The listening connection failed: ${(error as Error).message}. It needs a direct connection, not a pooler in transaction mode.`;
  return new EventsError("LISTENER_FAILED", text, { cause: error });
}

function connectionOf(
  { connection, session }: ListenerOptions,
  sockets: Set<Socket>,
): ClientConfig {
  const stream = () => {
    const socket = new Socket();
    sockets.add(socket);
    return socket.once("close", () => sockets.delete(socket));
  };
  const { connectionString } = connection;
  return {
    ...connection,
    // What a connection string says beats every other field.
    ...(connectionString !== undefined && { connectionString: withoutName(connectionString) }),
    application_name: session,
    connectionTimeoutMillis: TIMEOUT_MS,
    query_timeout: TIMEOUT_MS,
    stream,
  };
}

function withoutName(connectionString: string): string {
  return connectionString.replace(/([?&])application_name=[^&]*&?/, "$1");
}
