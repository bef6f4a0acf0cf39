import type { SqlClient } from "../../src/transaction/sql-client.js";

/** A guard of the engine that is taken out. */
export interface Mutation {
  readonly guard: string;
  /** Functions of the schema, and the changes of their source; each text must be there exactly `times` (1) times. */
  readonly changes?: Readonly<Record<string, readonly Change[]>>;
  /** Or a statement. */
  readonly statement?: string;
}

interface Change {
  readonly from: string;
  readonly to: string;
  readonly times?: number;
}

const SCHEMA = "opinionated_events";
const INSERT = `insert into ${SCHEMA}.inbox values (queue, position, topic, seq) on conflict do nothing;`;

export async function mutate(client: SqlClient, { changes, statement }: Mutation): Promise<void> {
  if (statement) await client.query(statement);
  for (const [name, list] of Object.entries(changes ?? {})) await change(client, name, list);
}

async function change(client: SqlClient, name: string, changes: readonly Change[]): Promise<void> {
  const { rows } = await client.query("select pg_get_functiondef($1::regproc) as source", [
    `${SCHEMA}.${name}`,
  ]);
  let source: string = rows[0].source;
  for (const { from, to, times = 1 } of changes) {
    const parts = source.split(from);
    if (parts.length !== times + 1) {
      throw new Error(`${name} has ${parts.length - 1} times, not ${times}: ${from}`);
    }
    source = parts.join(to);
  }
  await client.query(source);
}

export const mutations = {
  markFromXmax: {
    guard: "the mark is an xid of the claim's own",
    changes: {
      claim_packed: [
        {
          from: "coalesce(mark, pg_current_xact_id())",
          to: "coalesce(mark, (pg_snapshot_xmax(c.cur)::text::bigint - 1)::text::xid8)",
        },
      ],
    },
  },
  markFirst: {
    guard: "a claim's xid is assigned last",
    changes: {
      claim_packed: [
        {
          from: `nothing := ${SCHEMA}.require_own_transaction('claim');`,
          to: `nothing := ${SCHEMA}.require_own_transaction('claim'); nothing := pg_current_xact_id();`,
        },
      ],
    },
  },
  positionBeforeXid: {
    guard: "the position's default assigns the xid",
    statement: `alter table ${SCHEMA}.message alter position set default nextval('${SCHEMA}.position')`,
  },
  headAlwaysCalled: {
    guard: "a sequence that was never drawn from has no last value",
    changes: {
      head: [{ from: "), 0);", to: "), 1);" }],
    },
  },
  headFromTheRow: {
    guard: "the head is read under the lock of the sequence's page",
    changes: {
      head: [
        { from: "pg_sequence_last_value(", to: "(select last_value from " },
        { from: "'opinionated_events.position'", to: `${SCHEMA}.position` },
      ],
    },
  },
  anyTransaction: {
    guard: "claims need a transaction without an xid",
    changes: {
      require_own_transaction: [
        { from: "if pg_current_xact_id_if_assigned() is not null then", to: "if false then" },
      ],
    },
  },
  anyIsolation: {
    guard: "claims need READ COMMITTED",
    changes: {
      require_own_transaction: [
        {
          from: "if current_setting('transaction_isolation') <> 'read committed' then",
          to: "if false then",
        },
      ],
    },
  },
  noLateRows: {
    guard: "transactions in flight at the last window are looked up",
    changes: { late_xids: [{ from: "return array(", to: "return '{}'; return array(" }] },
  },
  lateUpToXmax: {
    guard: "late transactions are those up to the mark",
    changes: {
      late_xids: [
        {
          from: "from generate_series(pg_snapshot_xmax",
          to: "from generate_series(9e18::bigint + 0 * pg_snapshot_xmax",
        },
      ],
    },
  },
  newWithoutMark: {
    guard: "new rows are those above the mark",
    changes: { claim_packed: [{ from: "(m.xid >= c.lo_mark) is true and ", to: "", times: 2 }] },
  },
  newWithoutHead: {
    guard: "a window ends at its head",
    changes: { claim_packed: [{ from: "and m.position <= c.head", to: "", times: 2 }] },
  },
  newWithoutSnapshot: {
    guard: "a window shows what its snapshot does",
    changes: {
      claim_packed: [{ from: "and pg_visible_in_snapshot(m.xid, c.vis)", to: "", times: 2 }],
    },
  },
  unordered: {
    guard: "late and new rows are merged by position",
    changes: {
      claim_packed: [
        { from: "order by y.position limit greatest(n, 1)", to: "limit greatest(n, 1)" },
      ],
    },
  },
  noTurns: {
    guard: "claims of a queue and topic take turns",
    changes: {
      claim_packed: [{ from: "nothing := pg_advisory_xact_lock(", to: "nothing := concat(" }],
    },
  },
  oldestPassesLeases: {
    guard: "the lower bound of leases stops at an open one",
    changes: {
      claim_packed: [
        {
          from: "l.seq >= c.oldest",
          to: "l.seq > prev",
        },
      ],
    },
  },
  subscriptionsFirst: {
    guard: "subscriptions are read after the snapshot",
    changes: {
      claim_packed: [
        {
          from: "    select array_agg(s.pattern), ",
          to: "    if false then select array_agg(s.pattern), ",
        },
        { from: "s.topic in (t, '*');", to: "s.topic in (t, '*'); end if;" },
        {
          from: "nothing := pg_advisory_xact_lock(",
          to: `select array_agg(s.pattern), array_agg(rtrim(s.pattern, '*')), -2147483648, 2147483647
            into names, beginnings, least_hash, greatest_hash
            from ${SCHEMA}.subscription s where s.queue = q; nothing := pg_advisory_xact_lock(`,
        },
      ],
    },
  },
  forgetExhausted: {
    guard: "an exhausted window is remembered",
    changes: { claim_packed: [{ from: "n = 0 or unfinished or", to: "n = 0 or" }] },
  },
  forgetEmpty: {
    guard: "a long empty window is remembered",
    changes: {
      claim_packed: [
        {
          from: "or clock_timestamp() - opened_at > interval '3 ms' or c.head - prev_head > 10000",
          to: "",
        },
      ],
    },
  },
  claimOpenSegments: {
    guard: "a claim looks into closed segments to which somebody may have written for its window",
    changes: {
      claim_packed: [
        {
          from: "(s.mark > least(pg_snapshot_xmin(c.cur), c.mark)) is not false",
          to: "s.mark is null",
        },
      ],
    },
  },
  claimWhereOpened: {
    guard: "a claim looks into the segment that is written to, whatever the table says of it",
    changes: {
      claim_packed: [
        {
          from: "select least(min(s.number), written), greatest(max(s.number), written) into",
          to: "select min(s.number), max(s.number) into",
        },
      ],
    },
  },
  claimCrossingMarks: {
    guard: "a claim of what an earlier cluster wrote looks into all segments",
    changes: {
      claim_packed: [
        { from: "if opened then\n        written", to: "if true then\n        written" },
      ],
    },
  },
  claimEverySegment: {
    guard: "a claim looks only into segments that may hold what it wants",
    changes: {
      claim_packed: [
        { from: "if opened then\n        written", to: "if false then\n        written" },
      ],
    },
  },
  blindPoll: {
    guard: "a poll sends a claim over a long stretch that it doesn't want",
    changes: {
      poll: [{ from: "when top - c.head > 10000 then true", to: "" }],
    },
  },
  pollBelowTheMark: {
    guard: "a poll finds who was given an xid between a window's snapshot and its mark",
    changes: {
      poll: [{ from: " or c.mark > pg_snapshot_xmax(c.cur)) and exists", to: ") and exists" }],
    },
  },
  pollWhereOpened: {
    guard: "a poll looks at the segment that is written to, whatever the table says of it",
    changes: { poll: [{ from: "greatest(max(s.number), written)", to: "max(s.number)" }] },
  },
  anyTokenSettles: {
    guard: "settling a batch needs its token",
    changes: {
      settle_batches: [{ from: "and l.token = o.token\n    returning", to: "returning", times: 2 }],
    },
  },
  repeatLeftovers: {
    guard: "a repeated settlement makes no second delivery",
    changes: { settle_batches: [{ from: " and k.position <> all (before.done)", to: "" }] },
  },
  endlessRetry: {
    guard: "a retry is never later than a time can be",
    changes: { due_at: [{ from: "least(after_ms, 3155760000000)", to: "after_ms" }] },
  },
  takeOverDone: {
    guard: "what is done is not taken over",
    changes: { take_over: [{ from: "m.position <> all (l.done) and ", to: "" }] },
  },
  takeOverRenewed: {
    guard: "only an expired lease is taken over",
    changes: { take_over: [{ from: " and x.expires_at <= clock_timestamp()", to: "" }] },
  },
  takeOverNewOnly: {
    guard: "late rows of a batch are taken over",
    changes: { take_over: [{ from: "unnest(b.late)", to: "unnest('{}'::xid8[])" }] },
  },
  takeOverBefore: {
    guard: "a take-over begins at its batch",
    changes: { take_over: [{ from: "greatest(b.lo, b.lo_head)", to: "b.lo_head" }] },
  },
  takeOverBeyond: {
    guard: "a take-over ends with its batch",
    changes: { take_over: [{ from: "m.position <= b.hi", to: "m.position <= b.head" }] },
  },
  trimOpen: {
    guard: "cursor rows of open leases are kept",
    changes: { sweep: [{ from: "b.seq < lower_bound;", to: "b.seq <= lower_bound;" }] },
  },
  clearedBesideLeases: {
    guard: "a sweep that sees a lease does not say that there is none",
    changes: { sweep: [{ from: "else cleared_at := null; end if;", to: "end if;" }] },
  },
  clearedForGood: {
    guard: "a sweep looks again when somebody has drawn",
    changes: { sweep: [{ from: "if drawn = cleared then", to: "if cleared is not null then" }] },
  },
  clearedUnpolled: {
    guard: "a sweep says that there is no lease only of what a poll knows to be claimed",
    changes: {
      sweep: [{ from: "case when drawn in (settled, cleared) then drawn end", to: "drawn" }],
    },
  },
  clearedOrdered: {
    guard: "a sweep always looks at ordered queues",
    changes: { sweep: [{ from: "q.name = any (queues) and q.ordered);", to: "false);" }] },
  },
  clearedUnmoved: {
    guard: "a sweep looks again when a queue was moved",
    changes: {
      drawn: [
        { from: "coalesce(pg_sequence_last_value('opinionated_events.change'), 0)", to: "0" },
      ],
    },
  },
  sweptAnyway: {
    guard: "a sweep looks at no topic as long as there can be no lease",
    changes: { sweep: [{ from: "if drawn = cleared then", to: "if false then" }] },
  },
  anyTokenDeletesDelivery: {
    guard: "settling a delivery needs its token",
    changes: {
      settle_deliveries: [{ from: " and d.token = o.token", to: "", times: 3 }],
    },
  },
  suspectsUncounted: {
    guard: "a lost worker is counted",
    changes: {
      claim_deliveries: [
        { from: "lost = d.lost + (d.token is not null)::int", to: "lost = d.lost" },
      ],
    },
  },
  leasedDeliveriesDue: {
    guard: "a leased delivery is due when its lease ends",
    changes: {
      claim_deliveries: [
        {
          from: "due_at = clock_timestamp() + lease_ms * interval '1 ms'",
          to: "due_at = d.due_at",
        },
      ],
    },
  },
  subscribeWithoutStar: {
    guard: "a topic of a queue of every topic starts where the queue stands",
    changes: { first_batch: [{ from: "if found then", to: "if false then" }] },
  },
  subscribeAfterRestore: {
    guard: "a queue that starts before a restore reads the old cluster's rows",
    changes: { window_from: [{ from: "if e.base > low then", to: "if false then" }] },
  },
  rebaseSameBase: {
    guard: "every restore has a base of its own",
    changes: {
      rebase: [{ from: `nextval('${SCHEMA}.position')`, to: `${SCHEMA}.head()` }],
    },
  },
  rebaseOneWindow: {
    guard: "what was published here before a rebase is read",
    changes: {
      rebase: [
        { from: "values (heads, '1:1:', '0')", to: "select heads, '1:1:', '0' where false" },
      ],
    },
  },
  rebaseNoSpare: {
    guard: "a rebase leaves a position for the next one's first window",
    changes: {
      rebase: [
        {
          from: "'opinionated_events.position', top + 1)",
          to: "'opinionated_events.position', top)",
        },
      ],
    },
  },
  cursorsUnguarded: {
    guard: "no cursor moves between two clusters",
    changes: {
      guard_cursor: [{ from: " or pg_snapshot_xmax(new.vis) < new.lo_mark", to: "" }],
    },
  },
  idsAhead: {
    guard: "a receiver survives that transaction ids go back",
    changes: {
      is_in_flight: [{ from: "else true end", to: "else pg_xact_status(x) = 'in progress' end" }],
    },
  },
  settledBesideWriters: {
    guard: "while somebody writes, a poll settles nothing",
    changes: { poll: [{ from: `and not ${SCHEMA}.is_being_written()`, to: "" }] },
  },
  settledInOldSnapshot: {
    guard: "a poll in an old snapshot settles nothing",
    changes: { poll: [{ from: "= 'read committed'", to: "is not null" }] },
  },
  subscribedUnseen: {
    guard: "who subscribes is to polls as one who writes",
    changes: {
      stir: [{ from: `lock table ${SCHEMA}.message in row exclusive mode;`, to: "" }],
    },
  },
  subscribedUnstirred: {
    guard: "a subscription opens what polls have settled",
    statement: `drop trigger stir on ${SCHEMA}.subscription`,
  },
  movedUnstirred: {
    guard: "a move opens what polls have settled",
    statement: `drop trigger stir on ${SCHEMA}.move`,
  },
  rebaseMark: {
    guard: "the mark of a rebase is not below its snapshot",
    changes: {
      rebase: [
        {
          from: "(pg_snapshot_xmax(snap)::text::bigint - 1)::text::xid8",
          to: "pg_current_xact_id()",
        },
      ],
    },
  },
  noRebase: {
    guard: "a restored log is rebased",
    changes: { claim_packed: [{ from: "where x.base > c.base", to: "where false" }] },
  },
  noDiscovery: {
    guard: "a queue of every topic meets new ones",
    changes: { discover: [{ from: "if queues = '{}' then", to: "if true then" }] },
  },
  everyNameOfATopic: {
    guard: "a pattern of a topic wants matching names only",
    changes: {
      claim_packed: [
        { from: "'*' = any (names)", to: "names && array['*', t || '.*']" },
        { from: "m.name ^@ any ((select beginnings)::text[])", to: "true" },
      ],
    },
  },
  hashesOfNamesAlone: {
    guard: "beside a name, what a pattern wants is claimed, too",
    changes: {
      claim_packed: [
        { from: "then -2147483648 else", to: "then null else" },
        { from: "then 2147483647 else", to: "then null else" },
      ],
    },
  },
  hashOfOneName: {
    guard: "all names that a queue wants are claimed",
    changes: { claim_packed: [{ from: "max(case when right", to: "min(case when right" }] },
  },
  noWatch: {
    guard: "a receiver polls while transactions are in flight that have not seen it idle",
    changes: { is_in_flight: [{ from: "select exists", to: "select false and exists" }] },
  },
  noNotify: {
    guard: "a publish notifies an idle receiver",
    statement: `drop trigger wake on ${SCHEMA}.message`,
  },
  anyTransactionAcknowledges: {
    guard: "a handler's transaction is the one that was begun for it",
    changes: {
      acknowledge: [
        { from: "is distinct from token::text", to: "is distinct from token::text and false" },
      ],
    },
  },
  anyTokenAcknowledges: {
    guard: "acknowledging a message of a batch needs its token",
    changes: { acknowledge: [{ from: "and l.token = acknowledge.token", to: "" }] },
  },
  anyTokenAcknowledgesDelivery: {
    guard: "acknowledging a delivery needs its token",
    changes: { acknowledge: [{ from: "and d.token = acknowledge.token", to: "" }] },
  },
  acknowledgeRetried: {
    guard: "what was given away as a delivery is not acknowledged by its batch",
    changes: { acknowledge: [{ from: "and acknowledge.position <> all (l.done)", to: "" }] },
  },
  acknowledgeTwice: {
    guard: "one message is acknowledged once",
    changes: {
      acknowledge: [
        {
          from: "if not found then\n    raise exception 'the message",
          to: "if false then\n    raise exception 'the message",
        },
      ],
    },
  },
  acknowledgeAfterLook: {
    guard: "the inbox is written before the lease is looked at",
    changes: {
      acknowledge: [
        { from: INSERT, to: "" },
        { from: "'OE003';\n  end if;", to: `'OE003';\n  end if; ${INSERT}` },
        {
          from: "if not found then\n    raise exception 'the message",
          to: "if false then\n    raise exception 'the message",
        },
      ],
    },
  },
  batchUnlocked: {
    guard: "a batch waits for a commit that acknowledges one of its messages",
    changes: { acknowledge: [{ from: "<> all (l.done) for key share", to: "<> all (l.done)" }] },
  },
  deliveryUnlocked: {
    guard: "a delivery waits for a commit that acknowledges it",
    changes: {
      acknowledge: [
        { from: "d.token = acknowledge.token for key share", to: "d.token = acknowledge.token" },
      ],
    },
  },
  batchLockedTooWell: {
    guard: "a commit under way lets renewals pass",
    changes: {
      acknowledge: [{ from: "<> all (l.done) for key share", to: "<> all (l.done) for update" }],
    },
  },
  takeOverCommitted: {
    guard: "what a handler's transaction has acknowledged is not taken over",
    changes: {
      take_over: [{ from: "i.seq = l.seq);", to: "i.seq = l.seq and false);" }],
    },
  },
  takeOverWaits: {
    guard: "a sweep doesn't wait for a commit under way",
    changes: { take_over: [{ from: "for update skip locked", to: "for update" }] },
  },
  retryCommitted: {
    guard: "what a handler's transaction has acknowledged is not retried",
    changes: {
      settle_batches: [
        { from: "and not exists (select from", to: "and (true or exists (select from" },
        { from: "i.position = k.position)", to: "i.position = k.position))" },
      ],
    },
  },
  killCommitted: {
    guard: "a delivery that a handler's transaction has acknowledged is done",
    changes: {
      settle_deliveries: [{ from: "r.state is not null and exists", to: "false and exists" }],
    },
  },
  claimCommitted: {
    guard: "a delivery that a handler's transaction has acknowledged is not claimed",
    changes: {
      claim_deliveries: [
        { from: "and exists (select from", to: "and false and exists (select from" },
        { from: "and not exists (select from", to: "and (true or exists (select from" },
        {
          from: "i.position = chosen.position)\n  returning",
          to: "i.position = chosen.position))\n  returning",
        },
      ],
    },
  },
  inboxKeepsBatches: {
    guard: "the inbox forgets a batch that has ended",
    statement: `drop trigger forget on ${SCHEMA}.lease`,
  },
  inboxKeepsDeliveries: {
    guard: "the inbox forgets a delivery that is done",
    statement: `drop trigger forget on ${SCHEMA}.delivery`,
  },
  inboxForgetsDelivery: {
    guard: "the inbox keeps what still has a delivery when its batch ends",
    changes: { forget_batch: [{ from: "and not exists", to: "and true or exists" }] },
  },
} satisfies Record<string, Mutation>;
