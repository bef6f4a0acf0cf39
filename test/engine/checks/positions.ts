import { expect } from "vitest";
import { type Engine, started } from "../engine.js";

const FORMS = {
  "single row": "insert into MESSAGE (id, topic, name, payload) values (ID, 't', 't.x', '{}')",
  "several rows with defaults": `insert into MESSAGE (position, xid, id, topic, name, payload)
    values (default, default, ID, 't', 't.x', '{}'), (default, default, ID, 't', 't.x', '{}')`,
  select:
    "insert into MESSAGE (id, topic, name, payload) select ID, 't', 't.x', '{}' from generate_series(1, 2)",
  "on conflict": `insert into MESSAGE (id, topic, name, payload) values (ID, 't', 't.x', '{}')
    on conflict do nothing`,
  "common table expression": `with stored as (
    insert into MESSAGE (id, topic, name, payload) values (ID, 't', 't.x', '{}') returning 1) select from stored`,
  copy: `copy MESSAGE (id, topic, name, payload) from program
    'printf "%s\\tt\\tt.x\\t{}\\n" $(cat /proc/sys/kernel/random/uuid)'`,
};

/**
 * The default must not rely on the order of the columns, which changes when the xid column is dropped and added again:
 * it is asked, at the very moment of the draw, whether the transaction has its xid.
 */
export async function everyInsertHasItsXidBeforeThePosition(engine: Engine): Promise<void> {
  await moveXidBehindPosition(engine);
  await engine.sql(`create function draw(sequence regclass) returns bigint language plpgsql as $$ begin
    if pg_current_xact_id_if_assigned() is null then raise 'drawn before the xid'; end if;
    return nextval(sequence); end $$`);
  await engine.sql(`alter table opinionated_events.message alter position set default
    ${(await positionDefault(engine)).replace("nextval", "draw")}`);
  for (const form of Object.values(FORMS)) {
    await engine.sql(
      form
        .replaceAll("MESSAGE", "opinionated_events.message")
        .replaceAll("ID", "gen_random_uuid()"),
    );
  }
}

/** A row is built slowly: a window is opened after the draw of its position, and before its other defaults. */
export async function aSlowInsertIsDelivered(engine: Engine): Promise<void> {
  await engine.subscribe("t.*");
  // Every 32nd draw, the first included, is logged, and assigns an xid by itself.
  await engine.publish("t.first");
  expect(await engine.claim()).toEqual(["t.first"]);
  await engine.sql(`create function slow(text) returns text language plpgsql as
    $$ begin perform pg_advisory_xact_lock_shared(7); return $1; end $$`);
  const [gate, slow] = await Promise.all([engine.session(), engine.session()]);
  await gate.query("select pg_advisory_lock(7)");
  const inserted = started(
    slow.query(`insert into opinionated_events.message (position, name, id, topic, payload) values
      (default, slow('t.slow'), gen_random_uuid(), 't', '{}'), (default, 't.slow', gen_random_uuid(), 't', '{}')`),
  );
  await engine.untilBlocked(slow);
  await engine.publish("t.fast");
  expect(await engine.claim()).toEqual(["t.fast"]);
  await gate.query("select pg_advisory_unlock(7)");
  await inserted;
  expect(await engine.claim()).toEqual(["t.slow", "t.slow"]);
}

/** Before the first draw the sequence's last value is 1, too. */
export async function theFirstMessageIsDelivered(engine: Engine): Promise<void> {
  await engine.subscribe("t.*");
  await engine.publish("t.first");
  expect(await engine.claim()).toEqual(["t.first"]);
}

/** What is drawn after the head was read lies above it, while others draw all the time. */
export async function theHeadIsNotAheadOfTheSequence(engine: Engine): Promise<void> {
  const draw =
    "select count(nextval('opinionated_events.position')) from generate_series(1, 20000)";
  const sessions = await Promise.all([engine.session(), engine.session()]);
  let isRead = false;
  const drawing = sessions.map(async (session) => {
    while (!isRead) await session.query(draw);
  });
  const reading = Promise.all([compareHead(engine), compareHead(engine)]);
  const ahead = await reading.finally(() => {
    isRead = true;
  });
  await Promise.all(drawing);
  expect(ahead).toEqual([0, 0]);
}

/** How often the head was above what the sequence said after it. Read from its row, it is about one time in 5,000. */
async function compareHead(engine: Engine): Promise<unknown> {
  const [row] = await engine.sql(`
    select count(*)::int from generate_series(1, 100000) n
    cross join lateral (select case when n > 0 then opinionated_events.head() end as head) h
    where h.head > case when h.head > 0 then pg_sequence_last_value('opinionated_events.position') end`);
  return row?.[0];
}

async function moveXidBehindPosition(engine: Engine): Promise<void> {
  await engine.sql("alter table opinionated_events.message drop column xid");
  await engine.sql(
    "alter table opinionated_events.message add xid xid8 not null default pg_current_xact_id()",
  );
}

async function positionDefault(engine: Engine): Promise<string> {
  const [row] = await engine.sql(
    `select pg_get_expr(d.adbin, d.adrelid) from pg_attrdef d
    join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
    where d.adrelid = 'opinionated_events.message'::regclass and a.attname = 'position'`,
  );
  return String(row?.[0]);
}
