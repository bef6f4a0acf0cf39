import { randomUUID } from "node:crypto";
import { createMessage, Publisher, syncBridge } from "opinionated-events";
import { postgresDestination } from "opinionated-events/postgres";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createTables } from "../../examples/demo/database.js";
import { reconcile as reconcileHttp } from "../../examples/demo/local/reconcile.js";
import { reconcile } from "../../examples/demo/reconcile.js";
import { type TestDatabase, testDatabase } from "../support/postgres.js";

const DEAD = "00000000-0000-4000-8000-00000000dead";

let db: TestDatabase;

/** Two issues and a push that all queues have handled, and a sponsorship that died for one of them. */
beforeEach(async () => {
  db = await testDatabase();
  await createTables(db.pool);
  const publisher = new Publisher({ bridge: syncBridge([postgresDestination(db)]) });
  for (const event of ["issues", "issues", "push"]) await publish(publisher, event, randomUUID());
  await publish(publisher, "sponsorship", DEAD);
  await db.pool.query(`
    insert into rolled_back values (gen_random_uuid());
    insert into stats select id, event from webhook;
    insert into handled (queue, message_id, attempt, process)
      select queue, id, 1, 1 from webhook, unnest('{audit,stats,notifications}'::text[]) queue
      where queue <> 'notifications' or event = 'issues';
    insert into opinionated_events.delivery
      (queue, topic, position, name, id, payload, published_at, state, due_at, attempt, reason)
      select 'notifications', topic, position, name, id, payload, published_at, 'dead', 'infinity', 4,
        '{"code": "FATAL", "message": "bounced"}'
      from opinionated_events.message where name = 'github.sponsorship'`);
});

afterEach(() => db.drop());

test("what adds up is ok, dead letters and repeats included", async () => {
  await db.pool.query("insert into handled select queue, message_id, 2, 2 from handled limit 1");
  const report = await reconcile(db.pool);
  expect(report).toMatchObject({
    ok: true,
    log: { committed: 4, missing: 0, phantom: 0 },
    rolledBack: { total: 1, traces: 0 },
    counted: 4,
    open: 0,
  });
  expect(report.queues.notifications).toMatchObject({
    committed: 3,
    handled: 2,
    dead: 1,
    missing: 0,
  });
  expect(Object.values(report.queues).map(({ repeated }) => repeated)).toContain(1);
  expect(report.deadLetters).toEqual([
    { queue: "notifications", name: "github.sponsorship", reason: "FATAL: bounced", count: 1 },
  ]);
});

test.each([
  [
    "a message that was not handled",
    "delete from handled where queue = 'audit' and attempt = 1 and message_id = any (select id from webhook limit 1)",
  ],
  [
    "a handled message that was not committed",
    "insert into handled values ('audit', gen_random_uuid(), 1, 1)",
  ],
  [
    "a dead message that was not committed",
    `delete from webhook where id = '${DEAD}'; delete from handled where message_id = '${DEAD}'; delete from stats where message_id = '${DEAD}'; delete from opinionated_events.message where id = '${DEAD}'`,
  ],
  [
    "a business row without its message",
    "delete from opinionated_events.message where name = 'github.push'",
  ],
  [
    "a message without its business row",
    "insert into opinionated_events.message (id, topic, name, payload) values (gen_random_uuid(), 'github', 'github.push', '1')",
  ],
  ["a trace of a transaction that was rolled back", `insert into rolled_back values ('${DEAD}')`],
  ["an effect that is missing", `delete from stats where message_id = '${DEAD}'`],
  ["a delivery that is not finished", "update opinionated_events.delivery set state = 'retrying'"],
  [
    "a batch that is not finished",
    "insert into opinionated_events.lease (queue, topic, seq, token, expires_at) values ('audit', 'github', 1, 1, 'infinity')",
  ],
])("%s is not ok", async (_, sql) => {
  expect((await reconcile(db.pool)).ok).toBe(true);
  await db.pool.query(sql);
  expect((await reconcile(db.pool)).ok).toBe(false);
});

test.each([
  ["missing", ["a"]],
  ["phantom", ["a", "b", "c"]],
])("over HTTP, one that is %s is not ok", (kind, ids) => {
  const { ok, services } = reconcileHttp(["a", "b"], { mail: ["a", "b", "b"], search: ids });
  expect(ok).toBe(false);
  expect(services.mail).toMatchObject({ missing: 0, phantom: 0, repeated: 1 });
  expect(services.search).toMatchObject({ [kind]: 1 });
});

async function publish(publisher: Publisher, event: string, id: string): Promise<void> {
  await db.pool.query("insert into webhook (id, event) values ($1, $2)", [id, event]);
  await publisher.publishOne(createMessage(`github.${event}`, {}, { id }));
}
