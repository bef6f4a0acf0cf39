import type { Mutation } from "./mutations.js";

/** Guards of dead letters. */
export const deadLetterMutations = {
  redriveAgain: {
    guard: "what dies again after it was given back is not given back by the same operation",
    changes: { from_dead: [{ from: "and (d.queue, d.died) <= (%1$L, %3$s)", to: "and %3$s > 0" }] },
  },
  redriveTwice: {
    guard: "who waited for a letter sees that somebody else has given it back",
    changes: {
      redrive_dead: [{ from: "and d.state = 'dead' and d.died = c.died", to: "" }],
    },
  },
  redriveBeside: {
    guard: "a redrive holds the lock of an ordered queue",
    changes: { redrive_dead: [{ from: ".lock_ordered(q.name)", to: ".show(q.name)" }] },
  },
  publishRound: {
    guard: "what dies of the dead letters' own topic is not published",
    changes: { publish_deaths: [{ from: "and d.topic <> 'dead_letter'", to: "" }] },
  },
  everyTopicAndDeadLetters: {
    guard: "a subscription to every topic is none to dead letters",
    changes: { discover: [{ from: "where x.name <> 'dead_letter'", to: "" }] },
  },
} satisfies Record<string, Mutation>;
