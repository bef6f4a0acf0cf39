import type { Mutation } from "./mutations.js";

/** Guards of retention. */
export const retentionMutations = {
  retireYoung: {
    guard: "nothing goes before its time",
    changes: { retire: [{ from: "s.closed_at + r.keep <= clock_timestamp()", to: "true" }] },
  },
  retireUnclaimed: {
    guard: "of a window, only what was claimed is not needed",
    changes: { is_past: [{ from: "not c.last and top > c.hi", to: "false" }] },
  },
  retireUnseen: {
    guard: "what no window has seen is needed",
    changes: {
      is_past: [
        {
          from: "(m.xid, m.position) >= (later, 0::bigint)",
          to: "(m.xid, m.position) < (later, 0::bigint) and false",
        },
      ],
    },
  },
  retireLate: {
    guard: "what was in flight at the last window is needed",
    changes: {
      is_past: [
        {
          from: "from pg_snapshot_xip(c.cur) x where",
          to: "from pg_snapshot_xip(c.cur) x where false and",
        },
      ],
    },
  },
  retireUncrossed: {
    guard: "a cursor that has not crossed a restore needs everything",
    changes: {
      is_past: [
        {
          from: "if exists (select from opinionated_events.epoch",
          to: "if false and exists (select from opinionated_events.epoch",
        },
      ],
    },
  },
  retireLeased: {
    guard: "what is leased is needed",
    changes: {
      pins: [
        { from: "and (greatest(b.lo, b.lo_head) < top or exists", to: "and (false or exists" },
      ],
    },
  },
  retireLeasedLate: {
    guard: "what came late and is leased is needed",
    changes: {
      pins: [{ from: "from unnest(b.late) x where", to: "from unnest(b.late) x where false and" }],
    },
  },
  retireAnyLeased: {
    guard: "what workers hold is needed",
    changes: { pins: [{ from: "elsif exists (", to: "elsif false and exists (" }] },
  },
  retireUnmet: {
    guard: "a queue of all topics needs those that it has not met",
    changes: { pins: [{ from: "where x.topic in (t, '*')", to: "where x.topic = t" }] },
  },
  retireOnOneLook: {
    guard: "who needs it is looked at again under the table's lock",
    changes: {
      retire: [
        {
          from: "end;\n  if exists (select from opinionated_events.pins(k)) then return false; end if;",
          to: "end;",
        },
      ],
    },
  },
  retireWritten: {
    guard: "a segment stays while somebody may write to it",
    changes: { retire: [{ from: "and not opinionated_events.has_writers(s.mark)", to: "" }] },
  },
  settleAtOnce: {
    guard: "any id may be in a segment while somebody writes to it",
    changes: {
      rotate: [
        {
          from: "setval('opinionated_events.current_segment', anything << 3 | next)",
          to: "setval('opinionated_events.current_segment', (opinionated_events.last_id_ms() + 1) << 3 | next)",
        },
      ],
    },
  },
  settleOnAnything: {
    guard: "an id that is known may be in a closed segment",
    changes: {
      rotate: [{ from: "(opinionated_events.last_id_ms() + 1) << 3", to: "(1::bigint) << 3" }],
    },
  },
  anyVersion: {
    guard: "only of a UUIDv7 is it known",
    statement: `create or replace function opinionated_events.is_new(id uuid, first_new uuid) returns boolean
      language sql volatile as $$ select id >= first_new or not opinionated_events.is_stored(id) $$`,
  },
  overrun: {
    guard: "only a free segment is written to next",
    changes: { rotate: [{ from: "and n.opened_at is null", to: "" }] },
  },
  giveUpNothing: {
    guard: "what was given up is not needed",
    changes: { drop_unread: [{ from: "greatest(c.base, top)", to: "c.base" }] },
  },
  giveUpEarly: {
    guard: "only a queue beyond its limits gives up",
    changes: { drop_unread: [{ from: "not opinionated_events.is_over_limit(q, k)", to: "false" }] },
  },
  giveUpUntold: {
    guard: "what was given up is not said to be done",
    changes: {
      drop_unread: [
        {
          from: "values (q, t, top, c.cur, top, to_jsonb(c))",
          to: "select q, t, top, c.cur, top, to_jsonb(c) limit 0",
        },
      ],
    },
  },
  givenUpIsUnread: {
    guard: "what was given up is not said to be unread",
    changes: { is_unread: [{ from: "greatest(c.head, c.base)", to: "c.head" }] },
  },
  givenUpIsNews: {
    guard: "what was given up wakes nobody",
    changes: { poll: [{ from: "greatest(c.head, c.base)", to: "c.head", times: 3 }] },
  },
  givenUpIsAhead: {
    guard: "a queue that gave up stands behind that",
    changes: { front: [{ from: "greatest(c.head, c.base)", to: "c.head" }] },
  },
} satisfies Record<string, Mutation>;
