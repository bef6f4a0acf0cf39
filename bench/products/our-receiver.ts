import { Receiver } from "../../src/index.js";
import { intervalTrigger, notifyTrigger, type PgPool, postgresSource } from "../../src/postgres.js";

interface ReceiverSettings {
  readonly maxWorkers?: number | undefined;
  readonly preparedStatements?: boolean | undefined;
}

/** A receiver as the README has it; `maxWorkers` is the default if it is not given. */
export function ourReceiver(
  { url, pool }: { readonly url: string; readonly pool: PgPool },
  { maxWorkers, preparedStatements = false }: ReceiverSettings = {},
): Receiver {
  return new Receiver({
    source: postgresSource({
      pool,
      preparedStatements,
      triggers: [notifyTrigger({ connectionString: url }), intervalTrigger(1_000)],
      ...(maxWorkers && { maxWorkers }),
    }),
    onError: console.error,
  });
}
