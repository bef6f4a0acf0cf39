import { EventsError } from "../message/errors.js";
import { type ConnectingPool, type Connection, connect } from "../transaction/connect.js";

const ACQUIRE_MS = 10_000;
/** What a `pg.Pool` says whose `connectionTimeoutMillis` are over while all its connections are in use. */
const POOL_TIMEOUT = "timeout exceeded when trying to connect";

/**
 * A connection of the pool, to be released by the caller. Rejects with `POOL_EXHAUSTED` if none comes free within 10 s, or
 * within the pool's own limit: whoever waits for ever may wait for itself.
 */
export async function acquire<C extends Connection & { release(): void }>(
  pool: ConnectingPool<C>,
): Promise<C> {
  let isLate = false;
  let timer: NodeJS.Timeout | undefined;
  const connecting = connect(pool);
  connecting.then(
    (client) => isLate && client.release(),
    () => {},
  );
  const expired = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      isLate = true;
      reject(exhausted(`within ${ACQUIRE_MS} ms`));
    }, ACQUIRE_MS);
  });
  try {
    return await Promise.race([connecting, expired]);
  } catch (error) {
    const isTimeout = error instanceof Error && error.message === POOL_TIMEOUT;
    throw isTimeout ? exhausted("within its connectionTimeoutMillis", error) : error;
  } finally {
    clearTimeout(timer);
  }
}

function exhausted(when: string, cause?: unknown): EventsError {
  const text =
    `No connection of the pool came free ${when}: all are in use, or the server doesn't answer. ` +
    "Look for what holds them, or raise the pool's max.";
  return new EventsError("POOL_EXHAUSTED", text, { cause });
}
