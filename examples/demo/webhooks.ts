import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";

/** A webhook as GitHub sends it. */
export interface Webhook {
  /** What GitHub sends as `X-GitHub-Delivery`. */
  readonly id: string;
  /** What GitHub sends as `X-GitHub-Event`. */
  readonly event: string;
  /** JSON. */
  readonly body: string;
  /** Its transaction is to be rolled back after the publish. */
  readonly rollBack: boolean;
}

/** Every 33rd, which is 3 %. */
const ROLL_BACK_EVERY = 33;

const require = createRequire(import.meta.url);
const definitions: readonly {
  name: string;
  examples: unknown[];
}[] = require("@octokit/webhooks-examples");

const examples = definitions.flatMap(({ name, examples }) =>
  examples.map((example) => ({ event: name, body: JSON.stringify(example) })),
);

/** Real payloads of all 58 kinds, over and over, each time with an id of its own. */
export function makeWebhooks(count: number): Webhook[] {
  const rounds = Math.ceil(count / examples.length);
  return Array.from({ length: rounds }, () => examples)
    .flat()
    .slice(0, count)
    .map((example, index) => ({
      ...example,
      id: randomUUID(),
      rollBack: index % ROLL_BACK_EVERY === ROLL_BACK_EVERY - 1,
    }));
}
