import { createMessage } from "../../src/message/create-message.js";
import { postgresOperations } from "../../src/operations/postgres.js";
import type { PgPool } from "../../src/postgres/database.js";
import { type Engine, rows } from "../postgres/support.js";

export const deadLettersOf = (pool: PgPool) => postgresOperations({ pool }).deadLetters;

export interface Burial {
  readonly queue?: string;
  readonly name?: string;
  readonly key?: string;
  readonly code?: string;
  readonly diedAt?: Date;
}

/** Dead letters, as a queue has them whose handler has given up; returns their ids. Quicker than that. */
export async function bury({ pool }: Engine, burials: readonly Burial[]): Promise<string[]> {
  const dead = burials.map(({ name = "user.created", ...rest }, n) => {
    const { id, topic } = createMessage(name, {});
    return { n, id, topic, name, queue: "q", code: "HANDLER_FAILED", ...rest };
  });
  await rows(
    pool,
    `insert into opinionated_events.delivery
       (queue, topic, position, name, id, key, payload, published_at, state, due_at, attempt, reason, died, changed_at)
     select b.queue, b.topic, nextval('opinionated_events.position'), b.name, b.id, b.key, json_build_object('n', b.n),
       clock_timestamp(), 'dead', 'infinity', 3, json_build_object('code', b.code, 'message', 'no luck'),
       opinionated_events.new_death('dead'), coalesce(b."diedAt", clock_timestamp())
     from json_to_recordset($1) as b (
       n int, queue text, topic text, name text, id uuid, key text, code text, "diedAt" timestamptz) order by b.n`,
    [JSON.stringify(dead)],
  );
  return dead.map(({ id }) => id);
}

export const several = (count: number, burial: Burial = {}): Burial[] => Array(count).fill(burial);
