import { EventsError } from "../message/errors.js";
import { type ConnectingPool, type Connection, connect } from "../transaction/connect.js";

const ACQUIRE_MS = 10_000;
/** What a `pg.Pool` says whose `connectionTimeoutMillis` are over while all its connections are in use. */
const POOL_TIMEOUT = "timeout exceeded when trying to connect";

/**
 * A connection of the pool, to be released by the caller. Rejects with `POOL_EXHAUSTED` if none comes free within 10 s, or
 * within the pool's own limit: whoever waits for ever may wait for itself.
 */
export function acquire<C extends Connection & { release(): void }>(
  pool: ConnectingPool<C>,
): Promise<C> {
  return new Promise((resolve, reject) => {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      reject(exhausted(`within ${ACQUIRE_MS} ms`));
    }, ACQUIRE_MS);
    const onConnection = (client: C) => {
      clearTimeout(timer);
      if (isLate) client.release();
      else resolve(client);
    };
    const onError = (error: unknown) => {
      clearTimeout(timer);
      reject(isTimeout(error) ? exhausted("within its connectionTimeoutMillis", error) : error);
    };
    connect(pool).then(onConnection, onError);
  });
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.message === POOL_TIMEOUT;
}

function exhausted(when: string, cause?: unknown): EventsError {
  const text =
    `No connection of the pool came free ${when}: all are in use, or the server doesn't answer. ` +
    "Look for what holds them, or raise the pool's max.";
  return new EventsError("POOL_EXHAUSTED", text, { cause });
}
