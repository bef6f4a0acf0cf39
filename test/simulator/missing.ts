import type { Oracle } from "./oracle.js";
import type { World } from "./world.js";

/** So many of a queue tell enough. */
const MOST = 3;

/** Says of messages that a queue has not finished how far they came: what a lost one is looked for with. */
export async function describeMissing(world: World): Promise<string[]> {
  const described = await Promise.all(world.oracles.map((oracle) => describeOf(world, oracle)));
  return described.flat();
}

async function describeOf({ pool }: World, oracle: Oracle): Promise<string[]> {
  const missing = oracle.missing().slice(0, MOST);
  if (missing.length === 0) return [];
  const { rows } = await pool.query(
    `select m.id, m.topic, m.position, m.xid, d.state, d.due_at - clock_timestamp() as due, d.token, d.lost,
      (select json_agg(e order by e.base) from opinionated_events.epoch e) as epochs,
      (select json_agg(b order by b.seq) from opinionated_events.batch b
        where b.queue = $1 and b.topic = m.topic) as batches,
      (select json_agg(l order by l.seq) from opinionated_events.lease l
        where l.queue = $1 and l.topic = m.topic) as leases
    from opinionated_events.message m
    left join opinionated_events.delivery d on d.queue = $1 and d.position = m.position
    where m.id = any ($2)`,
    [oracle.queue.name, missing.map(({ message }) => message.id)],
  );
  return rows.map((row) => {
    const claims = oracle.claimsOf(row.id);
    return `${oracle.queue.name}: claimed ${claims} times, ${JSON.stringify(row)}`;
  });
}
