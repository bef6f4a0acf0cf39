import { expect } from "vitest";
import { createMessage } from "../../src/message/create-message.js";
import { append } from "../../src/postgres/log.js";
import { DEFAULT_SCHEMA } from "../../src/postgres/schema.js";
import type { SqlClient } from "../../src/transaction/sql-client.js";
import type { Engine } from "../engine/engine.js";
import { type Cursor, type Lease, Model, type Row, type Sent } from "./model.js";

const YEAR_MS = 365 * 86_400_000;

let runs = 0;

/** The engine, with queues and topics that no other run has, and what it should know. */
export class World {
  readonly model: Model;
  readonly engine: Engine;
  /** One for each transaction that a run may hold open. */
  readonly sessions: readonly SqlClient[];
  #appended = 0;

  constructor(engine: Engine, sessions: readonly SqlClient[]) {
    runs += 1;
    this.model = new Model(runs);
    this.engine = engine;
    this.sessions = sessions;
  }

  /** Publishes through a client, and says what. */
  async publish(topic: string, delays: readonly boolean[], client: SqlClient): Promise<Sent[]> {
    const messages = delays.map((isDelayed) =>
      createMessage(`${topic}.made`, {}, isDelayed ? { delayMs: YEAR_MS } : {}),
    );
    await append(client, DEFAULT_SCHEMA, messages);
    return messages.map(({ id, delayMs }) => {
      this.#appended += 1;
      return { id, topic, at: this.#appended, isDelayed: delayMs !== undefined };
    });
  }

  /** Fails unless the database holds what the model does. */
  async compare(): Promise<void> {
    const { queues, rows, cursors } = this.model;
    const { rows: found } = await this.engine.pool.query({
      name: "state",
      text: stateStatement,
      values: [queues],
    });
    expect(found[0].state).toEqual({
      rows: sorted([...rows.values()].map(rowState)),
      leases: sorted(this.model.openLeases().map(leaseState)),
      cursors: sorted([...cursors.values()].map((cursor) => this.#cursorState(cursor))),
    });
  }

  /** Rolls back what is still open. */
  async end(): Promise<void> {
    for (const n of this.model.open.keys()) await this.sessions[n]?.query("rollback");
  }

  #cursorState(cursor: Cursor): string {
    return [cursor.queue, cursor.topic, this.model.lag(cursor)].join(" ");
  }
}

function rowState({ queue, message, state, attempt, lost, token, isDue }: Row): string {
  return [queue, message.id, state, attempt, lost, token ?? "free", isDue].join(" ");
}

function leaseState({ key, done, isOver }: Lease): string {
  return [key.queue, key.topic, key.seq, key.token, done.size, isOver].join(" ");
}

function sorted(list: string[]): string[] {
  return list.sort();
}

const stateStatement = `
  select json_build_object(
    'rows', (select coalesce(json_agg(x order by x collate "C"), '[]') from (
      select concat_ws(' ', queue, id, state, attempt, lost, coalesce(token::text, 'free'), (due_at <= clock_timestamp())::text) x
      from opinionated_events.delivery where queue = any ($1)) d),
    'leases', (select coalesce(json_agg(x order by x collate "C"), '[]') from (
      select concat_ws(' ', queue, topic, seq, token, cardinality(done), (expires_at <= clock_timestamp())::text) x
      from opinionated_events.lease where queue = any ($1)) l),
    'cursors', (select coalesce(json_agg(x order by x collate "C"), '[]') from (
      select concat_ws(' ', t.queue, t.topic, p.lag) x
      from opinionated_events.queue_topic t cross join lateral opinionated_events.progress(t.queue, t.topic) p
      where t.queue = any ($1)) c)) as state`;
