import type { Mutation } from "./mutations.js";

/** Guards of moves. */
export const moveMutations = {
  moveMarkless: {
    guard: "the window of a move has a mark",
    changes: { window_from: [{ from: "pg_current_xact_id(),", to: "'0'," }] },
  },
  moveXidFirst: {
    guard: "a move's xid is assigned last",
    changes: {
      seek: [
        {
          from: "perform opinionated_events.require_own_transaction('seek');",
          to: "perform pg_current_xact_id();",
        },
      ],
    },
  },
  moveDropsLate: {
    guard: "a move back keeps what committed late",
    changes: { seek: [{ from: "if is_back then", to: "if false then" }] },
  },
  moveDropsLateWindow: {
    guard: "a move back keeps the rest of a late window",
    changes: { keep_unread: [{ from: "where not c.last", to: "where false" }] },
  },
  moveByStand: {
    guard: "a move is back if it is below what was read before a late window",
    changes: { front: [{ from: "greatest(c.hi, c.lo_head)", to: "c.hi" }] },
  },
  moveKeepsJumped: {
    guard: "a move forward keeps nothing",
    changes: {
      seek: [{ from: "if is_back then", to: "if true then" }],
    },
  },
  moveKeepsDeliveries: {
    guard: "a move back takes deliveries back",
    changes: { supersede: [{ from: "and d.position > supersede.low", to: "and false" }] },
  },
  moveKeepsLeases: {
    guard: "a move back takes leases back",
    changes: { supersede: [{ from: "and b.hi > low", to: "and false" }] },
  },
  moveKeepsTakenOver: {
    guard: "a lease that is taken back gives only what is below",
    changes: { take_over: [{ from: "l.upto is null or m.position <= l.upto", to: "true" }] },
  },
  moveFreesKeys: {
    guard: "the keys of a lease that is taken back are not free at once",
    changes: {
      supersede: [
        { from: "if not is_ordered then perform", to: "if true then perform" },
        { from: "case when is_ordered then grace_ms", to: "case when false then grace_ms" },
      ],
    },
  },
  moveFreesOwnKeys: {
    guard: "nor for their own worker",
    changes: { supersede: [{ from: "worker = '', ", to: "" }] },
  },
  moveFreesRunning: {
    guard: "the key of a delivery that is taken back is not free at once",
    changes: {
      supersede: [{ from: "d.token is not null and d.key is not null", to: "false", times: 2 }],
    },
  },
  claimStumbles: {
    guard: "a claim passes what stands in the line already",
    changes: { claim_ordered: [{ from: "on conflict do nothing", to: "" }] },
  },
  moveUnnoticed: {
    guard: "a move wakes idle receivers",
    changes: { seek: [{ from: "perform opinionated_events.notify_idle('due');", to: "" }] },
  },
  replayUnnoticed: {
    guard: "a replay wakes idle receivers",
    changes: { replay: [{ from: "perform opinionated_events.notify_idle('due');", to: "" }] },
  },
  moveDropsGone: {
    guard: "a move back keeps what the log has no more",
    changes: { supersede: [{ from: "and (select true from", to: "or (select true from" }] },
  },
  moveDropsUnwanted: {
    guard: "a move back keeps what is not wanted any more",
    changes: { supersede: [{ from: "opinionated_events.is_match(d.name, patterns)", to: "true" }] },
  },
  moveKeepsInbox: {
    guard: "a move back forgets what was committed",
    changes: {
      supersede: [
        { from: "if not is_ordered then perform", to: "if false then perform" },
        { from: "i.seq = l.seq and i.position", to: "i.seq < l.seq and i.position" },
      ],
    },
  },
  moveInThisCluster: {
    guard: "a move back before a restore reads the old cluster's rows",
    changes: { window_from: [{ from: "if e.base > low then", to: "if false then" }] },
  },
  moveBesideRetention: {
    guard: "a move waits for retention",
    changes: { seek: [{ from: "pg_advisory_xact_lock_shared(", to: "concat(" }] },
  },
  subscribeBesideRetention: {
    guard: "a subscription waits for retention",
    changes: { subscribe: [{ from: "pg_advisory_xact_lock_shared(", to: "concat(" }] },
  },
  timeOfTheLast: {
    guard: "a time is that of the first message from then on",
    changes: {
      before_time: [{ from: "m.published_at >= at", to: "m.published_at >= at + interval '1 h'" }],
    },
  },
  positionBeside: {
    guard: "a position is the first that is read",
    changes: { low_of: [{ from: "start_position - 1", to: "start_position" }] },
  },
} satisfies Record<string, Mutation>;
