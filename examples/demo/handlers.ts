import { fatal, type HandlerContext, type Receiver } from "opinionated-events";
import type { Pool } from "pg";

type Handle = (pool: Pool, delivery: HandlerContext) => Promise<void>;

interface Queue {
  /** The names and patterns that the queue reads. */
  readonly patterns: readonly string[];
  readonly handle: Handle;
}

/** Every queue gets every message that it reads, whatever the others do with it. */
export const queues: Readonly<Record<string, Queue>> = {
  audit: { patterns: ["*"], handle: async () => {} },
  notifications: {
    patterns: [
      "github.issues",
      "github.pull_request",
      "github.release",
      "github.security_advisory",
      "github.sponsorship",
      "github.star",
    ],
    handle: notify,
  },
  stats: { patterns: ["github.*"], handle: count },
};

export function addHandlers(receiver: Receiver, name: string, pool: Pool): void {
  const queue = queues[name];
  if (!queue) throw new Error(`There is no queue ${name}.`);
  for (const pattern of queue.patterns) {
    receiver.on(name, pattern, async (delivery) => {
      await queue.handle(pool, delivery);
      await record(pool, delivery);
    });
  }
}

/** Fails as the world does: for good, each time, or now and then. */
async function notify(_: Pool, { message, attempt }: HandlerContext): Promise<void> {
  if (message.name === "github.security_advisory") throw fatal(new Error("nobody is on call"));
  if (message.name === "github.sponsorship") throw new Error("the sponsor's address bounces");
  const isUnlucky = message.id.endsWith("7");
  if (isUnlucky && attempt === 1) throw new Error("the mail server is busy");
}

/** Idempotent: a message that comes twice, as it may, changes nothing the second time. */
async function count(pool: Pool, { message }: HandlerContext): Promise<void> {
  await pool.query(
    `insert into stats (message_id, event) values ($1, $2)
     on conflict (message_id) do update set event = excluded.event`,
    [message.id, message.name],
  );
}

/** What the reconciliation at the end goes by: who has handled what. */
async function record(pool: Pool, { message, queue, attempt }: HandlerContext): Promise<void> {
  await pool.query(
    "insert into handled (queue, message_id, attempt, process) values ($1, $2, $3, $4)",
    [queue, message.id, attempt, process.pid],
  );
}
