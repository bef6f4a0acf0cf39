/** What we ask of a pool's connection here. */
export interface Connection {
  on?(event: "error", listener: (error: Error) => void): unknown;
  off?(event: "error", listener: (error: Error) => void): unknown;
}

type Callback<C> = (error: Error | undefined, client: C | undefined) => void;

/** A pool whose `connect` calls back, or resolves; a `pg` pool does the one or the other. */
export interface ConnectingPool<C> {
  // biome-ignore lint/suspicious/noConfusingVoidType: what pg's own type says of the form that calls back
  connect(callback: Callback<C>): void | Promise<C>;
}

/**
 * A connection of the pool. A server that goes away just then ends a new connection in the same turn in which pg hands it
 * out, before a promise could tell anybody: an error that nobody listens for would end the process.
 */
export function connect<C extends Connection>(pool: ConnectingPool<C>): Promise<C> {
  return new Promise<C>((resolve, reject) => {
    const connecting = pool.connect((error, client) => {
      if (client) resolve(guarded(client));
      else reject(error);
    });
    connecting?.then(resolve, reject);
  });
}

/** Until whoever asked for it has its own listener. */
function guarded<C extends Connection>(client: C): C {
  client.on?.("error", ignore);
  setImmediate(() => client.off?.("error", ignore));
  return client;
}

function ignore(): void {}
