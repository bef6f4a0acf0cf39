import type pg from "pg";
import { CREATE, STEP } from "./products/leased-rows.js";

const LOAD = `
  insert into leased_row (name, message_id, payload)
  select 'user.created', gen_random_uuid(), json_build_object('userId', n, 'email', 'u' || n || '@example.com', 'n', n % 1000)
  from generate_series(1, $1::int) n`;

export async function loadLeasedRows(pool: pg.Pool, messages: number): Promise<void> {
  await pool.query(`drop table if exists leased_row; ${CREATE}`);
  await pool.query(LOAD, [messages]);
  await pool.query("vacuum analyze leased_row");
}

/**
 * Drains them with so many loops in one process, `batch` rows a statement; handlers read a field. Resolves with the sum
 * of the field, and with the milliseconds at which each tenth was done.
 */
export async function drainLeasedRows(
  pool: pg.Pool,
  messages: number,
  loops: number,
  batch: number,
) {
  const tenths: number[] = [];
  let sum = 0;
  let count = 0;
  const startedAt = performance.now();
  const loop = async () => {
    let done: string[] = [];
    for (;;) {
      const { rows } = await pool.query({ ...STEP, values: [done, batch], rowMode: "array" });
      if (rows.length === 0 && done.length === 0) return;
      done = rows.map((row) => row[0]);
      for (const row of rows) {
        sum += JSON.parse(row[4]).n;
        count += 1;
        if (count % (messages / 10) === 0) tenths.push(performance.now() - startedAt);
      }
    }
  };
  await Promise.all(Array.from({ length: loops }, loop));
  return { sum, tenths };
}
