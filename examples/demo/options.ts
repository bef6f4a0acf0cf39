import { parseArgs } from "node:util";

export interface Options {
  /** Webhooks to replay. */
  readonly messages: number | undefined;
  /** Over HTTP alone, without a database. */
  readonly local: boolean;
  /** Between the outbox and the handlers; without, the handlers read from PostgreSQL. */
  readonly broker: "kafka" | undefined;
  /** A statement that is run before the check, to see that the check finds what it breaks. */
  readonly beforeCheck: string | undefined;
}

export const USAGE = `npm run demo -- [--messages N] [--local] [--broker kafka] [--before-check SQL]

  --messages N        webhooks to replay (default 10,000; 500 with --local)
  --local             fan-out over HTTP between processes, without a database
  --broker kafka      relay the outbox to Kafka, and handle the messages from there
  --before-check SQL  run a statement before the check, to see the check fail:
                      "delete from handled where queue = 'audit'"`;

/** Throws if the arguments are not those of `USAGE`. */
export function readOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      messages: { type: "string" },
      local: { type: "boolean", default: false },
      broker: { type: "string" },
      "before-check": { type: "string" },
    },
  });
  const { messages, local, broker, "before-check": beforeCheck } = values;
  if (local && beforeCheck !== undefined) throw new Error("--local has no database to change.");
  if (local && broker !== undefined) throw new Error("--local has no broker.");
  return {
    messages: messages === undefined ? undefined : toCount(messages),
    local,
    broker: broker === undefined ? undefined : toBroker(broker),
    beforeCheck,
  };
}

function toBroker(name: string): "kafka" {
  if (name === "kafka") return name;
  throw new Error(`--broker takes kafka, not ${name}.`);
}

function toCount(text: string): number {
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text);
  throw new Error(`--messages takes a whole number from 1 to 9,999,999, not ${text}.`);
}
