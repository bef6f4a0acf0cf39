import { type DeadLetter, type DeadLetters, kafkaDeadLetters } from "opinionated-events/kafka";
import type { Pool } from "pg";
import { clientOf, type Place, topicOf } from "./place.js";

/** Instead of the view of PostgreSQL's dead letters. */
export async function createDeadTable(pool: Pool): Promise<void> {
  await pool.query(`drop view dead;
    create table dead (queue text, id uuid, name text, reason text, primary key (queue, id))`);
}

/** Copies the dead letters of Kafka's fail topics to where the check looks for them. */
export async function copyDeadLetters(place: Place, pool: Pool): Promise<void> {
  const kafka = clientOf(place);
  const letters = kafkaDeadLetters({ kafka, topics: [topicOf(place)("github")] });
  for await (const { queue, message, reason } of all(letters)) {
    await pool.query(
      `insert into dead values ($1, $2, $3, $4) on conflict (queue, id) do nothing`,
      [queue, message.id, message.name, `${reason.code}: ${reason.message}`],
    );
  }
}

async function* all(letters: DeadLetters): AsyncGenerator<DeadLetter> {
  let after: string | undefined;
  do {
    const page = await letters.list({}, { limit: 1_000, ...(after !== undefined && { after }) });
    yield* page.letters;
    after = page.next;
  } while (after !== undefined);
}
