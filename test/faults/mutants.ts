import { type Mutation, mutations } from "../engine/mutations.js";
import { orderedMutations } from "../engine/ordered-mutations.js";
import { retentionMutations } from "../engine/retention-mutations.js";
import type { SourceChange } from "../support/tree.js";

/** A guard that is taken out: of the database's functions, or of a source file. */
export interface Mutant extends Mutation {
  /** The name of the case that must turn red. */
  readonly killer: string;
  readonly source?: SourceChange;
}

const ledger = "src/source/postgres/ledger.ts";
const lines = "src/source/postgres/key-lines.ts";
const all = { ...mutations, ...orderedMutations, ...retentionMutations };
const engine = (name: keyof typeof all, killer: string): Mutant => ({ ...all[name], killer });

export const mutants: Readonly<Record<string, Mutant>> = {
  markFromXmax: engine("markFromXmax", "schedules"),
  positionBeforeXid: engine("positionBeforeXid", "schedules"),
  markFirst: engine("markFirst", "schedules"),
  noTurns: engine("noTurns", "schedules"),
  anyTokenSettles: engine("anyTokenSettles", "schedules"),
  anyTokenDeletesDelivery: engine("anyTokenDeletesDelivery", "schedules"),
  takeOverRenewed: engine("takeOverRenewed", "schedules"),
  takeOverNewOnly: engine("takeOverNewOnly", "schedules"),
  trimOpen: engine("trimOpen", "schedules"),
  oldestPassesLeases: engine("oldestPassesLeases", "schedules"),
  noLateRows: engine("noLateRows", "transaction open"),
  newWithoutMark: engine("newWithoutMark", "transaction open"),
  takeOverDone: engine("takeOverDone", "killed late"),
  leasedDeliveriesDue: engine("leasedDeliveriesDue", "snapshot pinned"),
  suspectsUncounted: engine("suspectsUncounted", "handler poisoned"),
  noWatch: engine("noWatch", "no interval"),
  noNotify: engine("noNotify", "no interval"),
  takeOverCommitted: engine("takeOverCommitted", "schedules"),
  claimCommitted: engine("claimCommitted", "schedules"),
  anyTokenAcknowledges: engine("anyTokenAcknowledges", "schedules"),
  acknowledgeTwice: engine("acknowledgeTwice", "schedules"),
  leasedKeyFree: engine("leasedKeyFree", "order kept"),
  deliveredKeyFree: engine("deliveredKeyFree", "order kept"),
  takeOverBehind: engine("takeOverBehind", "schedules"),
  settleSome: engine("settleSome", "schedules"),
  claimBeside: engine("claimBeside", "schedules"),
  claimLeased: engine("claimLeased", "schedules"),
  retireUnclaimed: engine("retireUnclaimed", "schedules"),
  retireUnseen: engine("retireUnseen", "schedules"),
  retireAnyLeased: engine("retireAnyLeased", "log forgets"),
  retireLate: engine("retireLate", "schedules"),
  retireOnOneLook: engine("retireOnOneLook", "schedules"),
  settleAtOnce: engine("settleAtOnce", "schedules"),
  keysTogether: {
    guard: "a worker runs the messages of a key one after the other",
    killer: "order kept",
    source: {
      file: lines,
      from: "if (line.running > 0 && !this.#atOnce) {",
      to: "if (false) {",
    },
  },
  linesStayOpen: {
    guard: "what waits behind a failed message goes back with it",
    killer: "order kept",
    source: {
      file: lines,
      from: "this.#broken.add(id);\n    }\n",
      to: "}\n    isOver = true;\n",
    },
  },
  noTakeOver: {
    guard: "a sweep takes over what is expired",
    killer: "worker killed",
    changes: {
      sweep: [{ from: "taken := taken + opinionated_events.take_over(l);", to: "taken := taken;" }],
    },
  },
  sessionsIgnored: {
    guard: "a worker whose session is gone is taken for dead",
    killer: "worker killed",
    changes: {
      sweep: [{ from: "or (x.session is not null and", to: "or (false and" }],
    },
  },
  noGrace: {
    guard: "a worker whose session is gone has time to renew",
    killer: "listener cut",
    changes: {
      sweep: [
        {
          from: "least(x.expires_at, clock_timestamp() + grace_ms * interval '1 ms')",
          to: "clock_timestamp()",
        },
      ],
    },
  },
  parkedForEver: {
    guard: "a parked message is taken by who has a handler",
    killer: "rolling deploy",
    changes: {
      claim_deliveries: [{ from: "d.state = 'parked' and", to: "false and" }],
    },
  },
  noRenewal: {
    guard: "a lease is renewed while its handlers run",
    killer: "listener cut",
    source: { file: "src/source/postgres/due-work.ts", from: "ageMs >= RENEW_MS || ", to: "" },
  },
  lostLeaseIgnored: {
    guard: "who hears that a lease is lost begins no more of it",
    killer: "lease lost",
    source: {
      file: ledger,
      from: "      one.abandon(error);\n",
      to: "",
    },
  },
  hastyStop: {
    guard: "a stop lets handlers finish",
    killer: "rolling deploy",
    source: {
      file: "src/source/postgres/run.ts",
      from: "finishWithin(this.#lanes, deadlineMs)",
      to: "finishWithin(this.#lanes, 0)",
    },
  },
  noSecondLook: {
    guard: "a receiver looks again after it has said that it is idle",
    killer: "no interval",
    source: {
      file: "src/source/postgres/waker.ts",
      from: "this.#watch = watch;\n    this.#watchMs = 1;\n    this.#pollAt = 0;",
      to: "void watch;",
    },
  },
  suspectsTogether: {
    guard: "messages that may have killed a worker run one at a time",
    killer: "handler poisoned",
    source: {
      file: "src/source/postgres/suspect-slot.ts",
      from: "if (this.#isTaken) return false;",
      to: "",
    },
  },
  killersLive: {
    guard: "what has killed several workers is dead",
    killer: "handler poisoned",
    source: {
      file: "src/source/postgres/taker.ts",
      from: "claimed.lost >= MAX_LOST",
      to: "claimed.lost > 1_000 * MAX_LOST",
    },
  },
  refusedRetried: {
    guard: "no retry mends a payload",
    killer: "payload refused",
    source: {
      file: "src/receiver/sink.ts",
      from: "throw new FatalError(code, describe(error), error);",
      to: "throw error;",
    },
  },
  poolErrorsThrown: {
    guard: "an idle connection may be lost",
    killer: "connections terminated",
    source: {
      file: "src/source/postgres/source.ts",
      from: 'options.pool.on?.("error", onError);',
      to: "",
    },
  },
  loopsEnd: {
    guard: "a loop goes on after an error",
    killer: "server restarted",
    source: {
      file: "src/source/loop.ts",
      from: "pause = retryDelay(failures);",
      to: "pause = retryDelay(failures); this.#stopped = true;",
    },
  },
  migrationsTogether: {
    guard: "migrations take turns",
    killer: "migrations at once",
    source: {
      file: "src/postgres/migrate.ts",
      from: "select pg_advisory_xact_lock(hashtext($1), hashtext($2))",
      to: "select hashtext($1), hashtext($2)",
    },
  },
  outsideTheTransaction: {
    guard: "a message is part of the caller's transaction",
    killer: "transaction open",
    source: {
      file: "src/destination/postgres.ts",
      from: "append(tx ?? pool,",
      to: "append(pool,",
    },
  },
};
