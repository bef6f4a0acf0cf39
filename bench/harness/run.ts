import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import type { Rounds } from "./medians.js";
import type { Contender, Figures, Place, Scenario } from "./scenario.js";

const LEAVING_MS = 2_000;

/** So many interleaved rounds; each begins with another contender, and each run has a database of its own. */
export async function runScenario(
  scenario: Scenario,
  serverUrl: string,
  rounds: number,
): Promise<Rounds> {
  const { contenders } = scenario;
  const results = new Map<string, Figures[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (let n = 0; n < contenders.length; n += 1) {
      const contender = contenders[(n + round) % contenders.length] as Contender;
      const figures = await inPlace(serverUrl, (place) => contender.run(place));
      results.get(contender.name)?.push(figures);
      console.log(`  ${scenario.id} ${round + 1}/${rounds} ${contender.name}: ${print(figures)}`);
    }
  }
  return results;
}

async function inPlace<T>(serverUrl: string, work: (place: Place) => Promise<T>): Promise<T> {
  const name = `bench_${randomUUID().replaceAll("-", "")}`;
  await execute(serverUrl, `create database ${name}`);
  const url = Object.assign(new URL(serverUrl), { pathname: name }).href;
  const pool = new pg.Pool({ connectionString: url });
  pool.on("error", () => {});
  try {
    return await work({ url, pool });
  } finally {
    await pool.end();
    await untilLeft(serverUrl, name);
    await execute(serverUrl, `drop database ${name} with (force)`);
    // What one has dirtied is not written while the next one is timed.
    await execute(serverUrl, "checkpoint");
  }
}

/** Pools end before their sockets are closed, and who is thrown out then has nobody who hears of it. */
async function untilLeft(serverUrl: string, database: string): Promise<void> {
  const connected = `select pid from pg_stat_activity where datname = '${database}'`;
  const deadline = performance.now() + LEAVING_MS;
  while ((await execute(serverUrl, connected)).length > 0 && performance.now() < deadline)
    await sleep(LEAVING_MS / 100);
}

async function execute(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query(sql).finally(() => client.end());
  return rows;
}

function print(figures: Figures): string {
  return Object.entries(figures)
    .map(([name, value]) => `${name} ${round(value)}`)
    .join(", ");
}

/** As many digits as say something. */
export function round(value: number): string {
  if (!Number.isFinite(value)) return "-";
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString("en");
  return Number(value.toPrecision(3)).toString();
}
