import type pg from "pg";
import { createMessage } from "../../src/message/create-message.js";
import type { StartAt } from "../../src/message/start-at.js";
import { postgresOperations } from "../../src/operations/postgres.js";
import { append } from "../../src/postgres/log.js";
import { DEFAULT_SCHEMA } from "../../src/postgres/schema.js";
import type { Engine } from "../postgres/support.js";

const TOPIC = "job";
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const random = (below: number) => Math.floor(Math.random() * below);

/** A message that was committed, and when, by this process's count of events. */
interface Committed {
  readonly id: string;
  readonly key: string;
  readonly position: bigint;
  readonly commitBegan: number;
}

/** A call of seek, and what it said. */
interface Moved {
  readonly began: number;
  readonly ended: number;
  readonly to: bigint;
  /** It may have passed over what it does not read again. */
  readonly isForward: boolean;
}

interface Handled {
  readonly id: string;
  readonly began: number;
}

/** Publishers with transactions in flight, random moves of a queue, and what is to be said of its handlers in the end. */
export class MovingWorld {
  readonly committed: Committed[] = [];
  readonly moves: Moved[] = [];
  readonly handled: Handled[] = [];
  readonly #db: Engine;
  readonly #queue: string;
  #events = 0;

  constructor(db: Engine, queue: string) {
    this.#db = db;
    this.#queue = queue;
  }

  tick(): number {
    this.#events += 1;
    return this.#events;
  }

  /** A publisher has keys of its own, so that the order of a key's positions is that of commits. */
  async publish(publisher: number, rounds: number): Promise<void> {
    const client = await this.#db.pool.connect();
    try {
      for (let round = 0; round < rounds; round += 1) await this.#transaction(client, publisher);
    } finally {
      client.release();
    }
  }

  async #transaction(client: pg.PoolClient, publisher: number): Promise<void> {
    const level = random(2) ? "read committed" : "repeatable read";
    await client.query(`begin isolation level ${level}`);
    if (random(2)) await client.query("select pg_current_xact_id()");
    await pause(random(10));
    const messages = Array.from({ length: 1 + random(4) }, () =>
      createMessage(`${TOPIC}.run`, {}, { key: `${publisher} ${random(2)}` }),
    );
    await append(client, DEFAULT_SCHEMA, messages);
    const { rows } = await client.query(
      "select id, key, position from opinionated_events.message where id = any ($1)",
      [messages.map(({ id }) => id)],
    );
    await pause(random(random(5) ? 30 : 300));
    if (random(10) === 0) {
      await client.query("rollback");
      return;
    }
    const commitBegan = this.tick();
    await client.query("commit");
    for (const { id, key, position } of rows)
      this.committed.push({ id, key, position: BigInt(position), commitBegan });
    // Above what has just been committed late, and is hardly read yet.
    if (random(8) === 0) await this.#move({ position: this.#newest() });
  }

  #newest(): bigint {
    return this.committed.reduce(
      (newest, { position }) => (position > newest ? position : newest),
      0n,
    );
  }

  async moveAround(moves: number): Promise<void> {
    for (let n = 0; n < moves; n += 1) {
      await pause(random(150));
      await this.#move(this.#somewhere());
    }
  }

  #somewhere(): StartAt {
    const place = this.committed.at(-1 - random(20));
    const kind = random(4);
    if (kind === 0) return "now";
    if (kind === 1 || !place) return "earliest";
    return kind === 2 ? { position: place.position } : new Date(Date.now() - random(300));
  }

  async #move(to: StartAt): Promise<void> {
    const began = this.tick();
    const { pool } = this.#db;
    const [move] = await postgresOperations({ pool }).seek(this.#queue, { to, topic: TOPIC });
    if (!move) throw new Error("The queue was not moved.");
    const isForward = to === "now" || BigInt(move.to) > BigInt(move.from);
    this.moves.push({ began, ended: this.tick(), to: BigInt(move.to), isForward });
  }

  /** Those that should have been handled, and were not, since the last move that read them again. */
  missing(): readonly string[] {
    return this.committed.filter((message) => this.#isMissing(message)).map(({ id }) => id);
  }

  #isMissing({ id, position, commitBegan }: Committed): boolean {
    const covering = this.moves.findLast(({ to }) => position >= to);
    const since = covering?.began ?? 0;
    // Of two moves at once nobody here knows which was the later one.
    const passed = this.moves.some(
      ({ ended, to, isForward }) =>
        isForward && ended > since && position < to && commitBegan < ended,
    );
    return !passed && !this.handled.some((run) => run.id === id && run.began >= since);
  }

  /** Keys of which, since the last move, the last thing that was done is not that for the last message, and so on down. */
  unorderedKeys(): readonly string[] {
    const since = this.moves.at(-1)?.ended ?? 0;
    const runs = this.handled.filter(({ began }) => began > since);
    const last = new Map(runs.map(({ id }, n) => [id, n]));
    const keys = new Set(this.committed.map(({ key }) => key));
    return [...keys].filter((key) => {
      const places = this.committed
        .filter((message) => message.key === key && last.has(message.id))
        .sort((a, b) => Number(a.position - b.position))
        .map(({ id }) => last.get(id) ?? 0);
      return places.some((place, n) => n > 0 && place < (places[n - 1] ?? 0));
    });
  }
}
