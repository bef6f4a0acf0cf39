import type { KafkaAdmin, KafkaClient, KafkaProducer, KafkaRecord } from "../kafka/client.js";
import type { ConfluentKafka } from "../kafka/confluent/client.js";
import { asKafkaJs } from "../kafka/confluent/kafka.js";
import { type Ends, endsOf, placeOf, type Scanned, scan } from "../kafka/scan.js";
import { failTopicOf, retryTopicOf, type TopicOf } from "../kafka/topics.js";
import { EventsError } from "../message/errors.js";
import { assertInteger, assertOptions } from "../message/options.js";
import { filterJson } from "./dead-letter-filter.js";
import type {
  DeadLetter,
  DeadLetterFilter,
  DeadLetterList,
  DeadLetterPage,
  DeadLetters,
} from "./dead-letters.js";
import {
  type FoundLetter,
  fits,
  letterOf,
  originOf,
  redrivenRecord,
  settledBy,
  settledRecord,
} from "./kafka-dead-letter.js";
import { type LongOptions, type LongResult, longOptions, runLong } from "./long-operation.js";

export interface KafkaDeadLettersOptions {
  /** The client: `new Kafka({ brokers })` of `kafkajs`, or that of `@confluentinc/kafka-javascript` in the manner of KafkaJS. */
  readonly kafka: KafkaClient | ConfluentKafka;
  /** As the source has them. */
  readonly retryTopicOf?: TopicOf;
  readonly failTopicOf?: TopicOf;
  /** Kafka's topics whose dead letters are meant. Default: all that have a fail topic. */
  readonly topics?: readonly string[];
}

const MAX_LIMIT = 1_000;
const ACKS_ALL = -1;

/**
 * The dead letters in Kafka's fail topics. Kafka has no index: each call reads them from begin to end, twice, also `count` and
 * `inspect`. What is redriven or purged stays in the topic until its retention removes it, with a record behind it that says
 * so. A redrive writes to the retry topics, from which the letter's own queue alone takes it; what it was at when it was
 * killed, or what two redrives at once have both found, can be given back twice.
 */
export function kafkaDeadLetters(options: KafkaDeadLettersOptions): DeadLetters {
  const known = ["kafka", "retryTopicOf", "failTopicOf", "topics"];
  assertOptions(options, known, "kafkaDeadLetters");
  return new KafkaDeadLetters(options);
}

/** How far a long operation has come in each partition, and where it ends. */
interface Range {
  readonly ends: Ends;
  readonly next: Ends;
}

class KafkaDeadLetters implements DeadLetters {
  readonly #kafka: KafkaClient;
  readonly #retryOf: TopicOf;
  readonly #failOf: TopicOf;
  readonly #topics: readonly string[] | undefined;

  constructor(options: KafkaDeadLettersOptions) {
    this.#kafka = asKafkaJs(options.kafka);
    this.#retryOf = options.retryTopicOf ?? retryTopicOf;
    this.#failOf = options.failTopicOf ?? failTopicOf;
    this.#topics = options.topics;
  }

  async list(filter: DeadLetterFilter, page: DeadLetterPage = {}): Promise<DeadLetterList> {
    assertOptions(page, ["limit", "after", "order"], "a page of dead letters");
    const { limit = 100, after, order = "newest" } = page;
    assertInteger("limit", limit, 1, MAX_LIMIT);
    if (order !== "newest" && order !== "oldest") throw invalid('order is "newest" or "oldest".');
    if (after !== undefined && !CURSOR.test(after))
      throw invalid("after is not the next of a page.");
    const sign = order === "newest" ? -1 : 1;
    const compare = (a: string, b: string) => (a < b ? -sign : a > b ? sign : 0);
    let found: { readonly cursor: string; readonly letter: DeadLetter }[] = [];
    for await (const letters of this.#letters(filter)) {
      const added = letters.map((one) => ({ cursor: cursorOf(one), letter: one.letter }));
      const fresh = added.filter((one) => after === undefined || compare(one.cursor, after) > 0);
      // One more than asked for says whether there is a next page.
      found = [...found, ...fresh].sort((a, b) => compare(a.cursor, b.cursor)).slice(0, limit + 1);
    }
    const shown = found.slice(0, limit);
    const next = found.length > limit ? shown.at(-1)?.cursor : undefined;
    return { letters: shown.map(({ letter }) => letter), next };
  }

  async count(filter: DeadLetterFilter): Promise<number> {
    let count = 0;
    for await (const letters of this.#letters(filter)) count += letters.length;
    return count;
  }

  async inspect(queue: string, messageId: string): Promise<DeadLetter | undefined> {
    const { letters } = await this.list({ queue, id: messageId }, { limit: 1 });
    return letters[0];
  }

  redrive(filter: DeadLetterFilter, options: LongOptions = {}): Promise<LongResult> {
    return this.#run("redrive", filter, options, async (producer, letters) => {
      await sendAll(producer, letters, (found) => {
        const record = redrivenRecord(found);
        return record && { topic: this.#retryOf(originOf(found)), record };
      });
    });
  }

  purge(filter: DeadLetterFilter, options: LongOptions = {}): Promise<LongResult> {
    return this.#run("purge", filter, options, async () => {});
  }

  /** The name holds the filter, so that it can't be resumed with another one. */
  async #run(
    what: string,
    filter: DeadLetterFilter,
    options: LongOptions,
    act: (producer: KafkaProducer, letters: readonly FoundLetter[]) => Promise<void>,
  ): Promise<LongResult> {
    assertOptions(options, longOptions, `a ${what}`);
    const name = `${what} of Kafka's dead letters ${filterJson(filter)}`;
    const producer = this.#kafka.producer({ allowAutoTopicCreation: false });
    let pending: Pending | undefined;
    try {
      await producer.connect();
      return await runLong<Range>(
        {
          name,
          begin: async () => ({ ends: await this.#ends(), next: {} }),
          step: async (range, limit) => {
            assertRange(range, name);
            pending ??= new Pending(this.#letters(filter, range));
            const letters = await pending.take(limit);
            await act(producer, letters);
            await sendAll(producer, letters, (found) => {
              return { topic: found.at.topic, record: settledRecord(found) };
            });
            const next = { ...range.next };
            for (const { at } of letters) next[placeOf(at)] = at.offset + 1;
            const isLast = letters.length < limit;
            return { done: letters.length, state: { ...range, next }, isLast };
          },
        },
        options,
      );
    } finally {
      await pending?.close();
      await producer.disconnect();
    }
  }

  /** Those that fit and are neither redriven nor purged. */
  async *#letters(filter: DeadLetterFilter, range?: Range): AsyncGenerator<readonly FoundLetter[]> {
    filterJson(filter); // checks it
    const now = await this.#ends();
    const settled = new Set<string>();
    for await (const records of scan(this.#kafka, now)) {
      for (const one of records) {
        const offset = settledBy(one);
        if (offset !== undefined) settled.add(`${placeOf(one)}/${offset}`);
      }
    }
    const { ends, next }: Range = range ?? { ends: now, next: {} };
    const isOpen = (one: Scanned) =>
      one.offset >= (next[placeOf(one)] ?? 0) && !settled.has(`${placeOf(one)}/${one.offset}`);
    for await (const records of scan(this.#kafka, ends)) {
      yield records
        .filter(isOpen)
        .map(letterOf)
        .filter((found) => found !== undefined)
        .filter((found) => fits(found, filter));
    }
  }

  async #ends(): Promise<Ends> {
    const admin = this.#kafka.admin();
    await admin.connect();
    try {
      return await endsOf(this.#kafka, await this.#failTopics(admin));
    } finally {
      await admin.disconnect();
    }
  }

  async #failTopics(admin: KafkaAdmin): Promise<string[]> {
    const there = await admin.listTopics();
    const fails = new Set((this.#topics ?? there).map(this.#failOf));
    return there.filter((topic) => fails.has(topic));
  }
}

/** Letters that were read and not yet taken. */
class Pending {
  readonly #batches: AsyncGenerator<readonly FoundLetter[]>;
  #letters: readonly FoundLetter[] = [];

  constructor(batches: AsyncGenerator<readonly FoundLetter[]>) {
    this.#batches = batches;
  }

  /** Fewer than `limit` only at the end. */
  async take(limit: number): Promise<readonly FoundLetter[]> {
    while (this.#letters.length < limit) {
      const { value, done } = await this.#batches.next();
      if (done) break;
      this.#letters = [...this.#letters, ...value];
    }
    const taken = this.#letters.slice(0, limit);
    this.#letters = this.#letters.slice(limit);
    return taken;
  }

  async close(): Promise<void> {
    await this.#batches.return(undefined);
  }
}

/** Resolves once every replica in sync has them all. */
async function sendAll(
  producer: KafkaProducer,
  letters: readonly FoundLetter[],
  of: (letter: FoundLetter) => { topic: string; record: KafkaRecord } | undefined,
): Promise<void> {
  const byTopic = new Map<string, KafkaRecord[]>();
  for (const letter of letters) {
    const { topic, record } = of(letter) ?? {};
    if (topic === undefined || !record) continue;
    byTopic.set(topic, [...(byTopic.get(topic) ?? []), record]);
  }
  for (const [topic, messages] of byTopic) {
    await producer.send({ topic, messages, acks: ACKS_ALL });
  }
}

const CURSOR = /^\d{16}\/.+\/\d{10}\/\d{20}$/;

/** Sorts by when the letter died, then by where it stands. */
function cursorOf({ at, letter }: FoundLetter): string {
  const died = String(letter.diedAt.getTime()).padStart(16, "0");
  const offset = String(at.offset).padStart(20, "0");
  return `${died}/${at.topic}/${String(at.partition).padStart(10, "0")}/${offset}`;
}

function assertRange({ ends, next }: Partial<Range>, name: string): void {
  const isRange = typeof ends === "object" && typeof next === "object";
  if (!isRange) throw invalid(`resume is not what a ${name} has given.`);
}

function invalid(text: string): EventsError {
  return new EventsError("INVALID_OPTIONS", text);
}
