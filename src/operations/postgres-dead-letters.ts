import { EventsError } from "../message/errors.js";
import { assertInteger, assertOptions } from "../message/options.js";
import { fromStored } from "../message/time.js";
import type { Database } from "../postgres/database.js";
import {
  countDead,
  type DeadStep,
  type DeathRange,
  lastDeath,
  listDead,
  purgeDead,
  redriveDead,
  type StoredDeadLetter,
} from "../postgres/dead-letter.js";
import { filterJson } from "./dead-letter-filter.js";
import type {
  DeadLetter,
  DeadLetterFilter,
  DeadLetterList,
  DeadLetterPage,
  DeadLetters,
  FailedTry,
} from "./dead-letters.js";
import {
  type LongOptions,
  type LongResult,
  longOptions,
  runLong,
  type Step,
} from "./long-operation.js";

const MAX_LIMIT = 1_000;
const DEATH = /^\d{1,18}$/;

type StepFunction = (
  db: Database,
  filter: string,
  range: DeathRange,
  limit: number,
) => Promise<DeadStep>;

export class PostgresDeadLetters implements DeadLetters {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async list(filter: DeadLetterFilter, page: DeadLetterPage = {}): Promise<DeadLetterList> {
    assertOptions(page, ["limit", "after", "order"], "a page of dead letters");
    const { limit = 100, after, order = "newest" } = page;
    assertInteger("limit", limit, 1, MAX_LIMIT);
    if (order !== "newest" && order !== "oldest") throw invalid('order is "newest" or "oldest".');
    if (after !== undefined && !isDeath(after)) throw invalid("after is not the next of a page.");
    const newest = order === "newest";
    // One more than asked for says whether there is a next page.
    const found = await listDead(this.#db, filterJson(filter), { newest, limit: limit + 1, after });
    const shown = found.slice(0, limit);
    const next = found.length > limit ? shown.at(-1)?.died : undefined;
    return { letters: shown.map(deadLetter), next };
  }

  async count(filter: DeadLetterFilter): Promise<number> {
    return countDead(this.#db, filterJson(filter));
  }

  async inspect(queue: string, messageId: string): Promise<DeadLetter | undefined> {
    const { letters } = await this.list({ queue, id: messageId }, { limit: 1 });
    return letters[0];
  }

  async redrive(filter: DeadLetterFilter, options: LongOptions = {}): Promise<LongResult> {
    return this.#run("redrive", redriveDead, filter, options);
  }

  async purge(filter: DeadLetterFilter, options: LongOptions = {}): Promise<LongResult> {
    return this.#run("purge", purgeDead, filter, options);
  }

  /** The name holds the filter, so that it can't be resumed with another one: that would pass over what it has not met. */
  #run(
    what: string,
    doStep: StepFunction,
    filter: DeadLetterFilter,
    options: LongOptions,
  ): Promise<LongResult> {
    assertOptions(options, longOptions, `a ${what}`);
    const json = filterJson(filter);
    const name = `${what} of ${this.#db.schema} ${json}`;
    return runLong<DeathRange>(
      {
        name,
        begin: async () => ({ after: "0", bound: await lastDeath(this.#db) }),
        step: async (range, limit): Promise<Step<DeathRange>> => {
          assertRange(range, name);
          const { done, goOn } = await doStep(this.#db, json, range, limit);
          return {
            done,
            state: { ...range, after: goOn ?? range.bound },
            isLast: goOn === undefined,
          };
        },
      },
      options,
    );
  }
}

function deadLetter(stored: StoredDeadLetter): DeadLetter {
  const { queue, message, reasonJson, failuresJson, diedAt, redriven } = stored;
  return {
    queue,
    message,
    reason: JSON.parse(reasonJson),
    attempts: JSON.parse(failuresJson).map(failedTry),
    diedAt: fromStored(diedAt),
    redriven,
  };
}

function failedTry(stored: {
  attempt: number;
  beganAt: string | null;
  failedAt: string;
  code: string;
  message: string;
}): FailedTry {
  const { attempt, beganAt, failedAt, code, message } = stored;
  return {
    attempt,
    beganAt: beganAt === null ? undefined : fromStored(beganAt),
    failedAt: fromStored(failedAt),
    code,
    message,
  };
}

function assertRange({ after, bound }: DeathRange, name: string): void {
  if (!isDeath(after) || !isDeath(bound)) throw invalid(`resume is not what a ${name} has given.`);
}

function isDeath(value: unknown): value is string {
  return typeof value === "string" && DEATH.test(value);
}

function invalid(text: string): EventsError {
  return new EventsError("INVALID_OPTIONS", text);
}
