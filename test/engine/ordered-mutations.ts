import type { Mutation } from "./mutations.js";

/** Guards of ordered queues. */
export const orderedMutations = {
  leasedKeyFree: {
    guard: "a message whose key another worker leases goes behind",
    changes: { claim_ordered: [{ from: "hashtext(k) in (select unnest(leased)) or", to: "" }] },
  },
  ownKeyBusy: {
    guard: "a worker is given more of its own keys",
    changes: {
      claim_ordered: [{ from: "leased_keys(q, t, worker_id)", to: "leased_keys(q, t, null)" }],
    },
  },
  deliveredKeyFree: {
    guard: "a message whose key is in deliveries goes behind",
    changes: { claim_ordered: [{ from: "where d.queue = q and d.topic = t", to: "where false" }] },
  },
  scheduledKeyBusy: {
    guard: "a scheduled message holds nobody",
    changes: {
      claim_ordered: [
        { from: "d.state not in ('dead', 'scheduled')", to: "d.state not in ('dead')" },
      ],
    },
  },
  releaseLeased: {
    guard: "a leased key is not released",
    changes: { release: [{ from: "hashtext(k) not in (select unnest(leased)) and", to: "" }] },
  },
  releaseClaimed: {
    guard: "a line of which a message runs is not released",
    changes: { release: [{ from: "x.token is not null", to: "false" }] },
  },
  claimLeased: {
    guard: "a delivery whose key is leased is not claimed",
    changes: {
      claim_ordered_deliveries: [
        { from: "not in (select l.topic, l.k from leased l)", to: "is not null" },
      ],
    },
  },
  claimAny: {
    guard: "a delivery that is not the first of its line is not claimed",
    changes: {
      claim_ordered_deliveries: [{ from: "limit 1) is null", to: "limit 1) is not false" }],
    },
  },
  claimBeside: {
    guard: "a delivery is not claimed while another of its line runs",
    changes: {
      claim_ordered_deliveries: [
        { from: "x.token is not null and x.due_at >", to: "false and x.due_at >" },
      ],
    },
  },
  repeatCommitted: {
    guard: "a delivery whose handler's transaction has committed is not handed out again",
    changes: {
      claim_ordered_deliveries: [{ from: "i.queue = q and i.topic is null", to: "false" }],
    },
  },
  runPastLost: {
    guard: "a run passes nothing that is not held",
    changes: {
      claim_ordered_deliveries: [{ from: "x.state = 'held' and x.lost < 2", to: "true" }],
    },
  },
  settleSome: {
    guard: "batches of an ordered queue are settled together or not",
    changes: {
      settle_ordered_batches: [{ from: "then return; end if;", to: "then null; end if;" }],
    },
  },
  settleSomeDeliveries: {
    guard: "deliveries of an ordered queue are settled together or not",
    changes: {
      settle_ordered_deliveries: [{ from: "then return; end if;", to: "then null; end if;" }],
    },
  },
  takeOverBehind: {
    guard: "what went behind is not taken over",
    changes: { take_over: [{ from: "and m.position <> all (l.behind)", to: "" }] },
  },
  takeOverPastLine: {
    guard: "what is taken over stands in line",
    changes: { take_over: [{ from: "when is_ordered and m.key is not null then 'held'", to: "" }] },
  },
  finishedKeyBusy: {
    guard: "a finished key is free before its batch is",
    changes: {
      settle_ordered_batches: [{ from: "where o.done is not null and", to: "where false and" }],
    },
  },
} satisfies Record<string, Mutation>;
