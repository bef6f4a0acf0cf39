import type { Database } from "../../postgres/database.js";
import type { Notification } from "../../postgres/listener.js";
import type { OrderedClaimant } from "../../postgres/ordered.js";
import type { PollResult } from "../../postgres/wake.js";
import { finishWithin } from "../finish-within.js";
import { Lanes } from "../lanes.js";
import type { Loop } from "../loop.js";
import type { Delivery, Outcome, SourceContext, StopReport } from "../source.js";
import { within } from "../within.js";
import type { Item } from "./held.js";
import { housekeeper } from "./housekeeper.js";
import type { Intake } from "./intake.js";
import { Ledger } from "./ledger.js";
import { Pressure } from "./pressure.js";
import { Reader } from "./reader.js";
import { SuspectSlot } from "./suspect-slot.js";
import { sweeper } from "./sweeper.js";
import { Transactions } from "./transactions.js";
import { type Places, Waker } from "./waker.js";

export interface RunOptions {
  readonly db: Database;
  readonly context: SourceContext;
  readonly claimant: OrderedClaimant;
  readonly maxWorkers: number;
  readonly intervalMs: number;
}

/** So few topics are claimed at once on a notification, without asking which of them has news. */
const FEW_TOPICS = 2;
/** How long a stop waits for the database beyond its deadline, in ms: for claims under way, and to record outcomes. */
const TAKE_MS = 2_000;
const RECORD_MS = 5_000;

const EVERY_TOPIC = "*";

interface Subscribed {
  readonly patterns: string[];
  readonly topics: Set<string>;
}

/** A Postgres source between a start and a stop: readers take, lanes run, the ledger records, the waker wakes. */
export class PostgresRun {
  readonly #options: RunOptions;
  readonly #lanes: Lanes<Item>;
  readonly #ledger: Ledger;
  readonly #waker: Waker;
  readonly #sweeper: Loop;
  readonly #housekeeper: Loop;
  readonly #pressure = new Pressure();
  readonly #suspects = new SuspectSlot<Item>(() => this.#unblock());
  readonly #readers: ReadonlyMap<string, Reader>;
  readonly #transactions: Transactions | undefined;
  #isStopping = false;
  #released = 0;

  constructor(options: RunOptions) {
    this.#options = options;
    const { db, context, claimant, maxWorkers, intervalMs } = options;
    const { onError } = context;
    this.#transactions = context.transactional ? new Transactions(db) : undefined;
    this.#lanes = new Lanes({
      maxWorkers,
      concurrencyOf: (queue) => context.queues.get(queue)?.concurrency,
      run: (item, done) => this.#run(item, done),
    });
    this.#ledger = new Ledger({
      db,
      leaseMs: claimant.leaseMs,
      onError,
      onLeftovers: () => this.#waker.pollNow(),
      onCommit: (ms) => this.#pressure.committed(ms),
      onDead: context.onDead,
      onRecorded: (item) => this.#readers.get(item.queue)?.recorded(item),
      onSuspectOver: (item) => this.#suspects.over(item),
      onQueueLost: (queue) => this.#readers.get(queue)?.lost(),
    });
    const queues = groupByQueue(context);
    this.#waker = new Waker({
      db,
      listens: claimant.session !== null,
      intervalMs,
      onError,
      handled: [...queues].map(([queue, { patterns }]) => ({ queue, patterns })),
      places: () => this.#places(),
      onPoll: (result) => this.#wakeFound(result),
    });
    this.#sweeper = sweeper({
      db,
      queues: [...queues.keys()],
      settled: () => this.#waker.settled,
      onTaken: () => this.#waker.pollNow(),
      onError,
    });
    this.#housekeeper = housekeeper(db, context.logger, onError);
    this.#readers = new Map(
      [...queues].map(([queue, subscribed]) => [queue, this.#reader(queue, subscribed)]),
    );
  }

  start(): void {
    this.notified("news");
    this.#waker.start();
    this.#sweeper.start();
    this.#housekeeper.start();
  }

  /** A publish has notified, or somebody who has made deliveries due; or they may have while nobody listened. */
  notified(what: Notification): void {
    const topics = [...this.#readers.values()].flatMap((reader) => reader.topics);
    const isKnown = !this.#options.context.subscriptions.some(({ topic }) => topic === EVERY_TOPIC);
    if (what === "news" && isKnown && topics.length <= FEW_TOPICS)
      for (const topic of topics) topic.wake();
    else this.#waker.pollNow();
  }

  async stop(deadlineMs: number): Promise<StopReport> {
    this.#isStopping = true;
    this.#release(this.#lanes.clear());
    for (const reader of this.#readers.values()) this.#release(reader.clearLines());
    const taking = this.#stopTaking();
    const finished = await finishWithin(this.#lanes, deadlineMs);
    if (finished.aborted > 0) this.#ledger.abandon();
    // What a claim under way brings is given back: by the ledger, before it closes.
    await within(TAKE_MS, taking);
    await within(RECORD_MS, this.#ledger.close());
    return { ...finished, released: this.#released };
  }

  /** The waker first: a poll under way may meet a topic, and with it begin a new intake. */
  async #stopTaking(): Promise<void> {
    await Promise.all([this.#waker, this.#sweeper, this.#housekeeper].map((loop) => loop.stop()));
    await Promise.all([...this.#readers.values()].map((reader) => reader.stop()));
  }

  /** What a claim under way at the stop brings is given back, too. */
  #start(queue: string, items: readonly Item[]): void {
    if (this.#isStopping) this.#release(items);
    else this.#lanes.addMany(queue, items);
  }

  #release(items: readonly Item[]): void {
    this.#released += items.length;
    for (const item of items) this.#ledger.settle(item, { type: "released" });
  }

  #reader(queue: string, { patterns, topics }: Subscribed): Reader {
    const { db, context, claimant, maxWorkers } = this.#options;
    const concurrency = Math.min(context.queues.get(queue)?.concurrency ?? maxWorkers, maxWorkers);
    return new Reader({
      db,
      claimant,
      queue,
      patterns,
      topics,
      concurrency,
      isOrdered: context.queues.get(queue)?.ordered ?? false,
      sink: context.sink,
      pressure: this.#pressure,
      ledger: this.#ledger,
      suspects: this.#suspects,
      start: (items) => this.#start(queue, items),
      onIdle: () => this.#waker.idle(),
      onError: context.onError,
    });
  }

  #run(item: Item, done: () => void): void {
    const reader = this.#readers.get(item.queue);
    if (!reader?.starts(item)) {
      queueMicrotask(done);
      return;
    }
    item.startedAt = performance.now();
    item.done = done;
    this.#deliver(item);
  }

  #deliver(item: Item): void {
    const { sink } = this.#options.context;
    if (sink.gathering) sink.gathering.take(item, this.#settle);
    else
      sink
        .deliver(this.#transactions?.delivery(item) ?? item)
        .then((outcome) => this.#settle(item, outcome));
  }

  readonly #settle = (delivery: Delivery, outcome: Outcome) => {
    const item = delivery as Item;
    const durationMs = performance.now() - (item.startedAt ?? 0);
    this.#ledger.settle(item, outcome);
    this.#readers.get(item.queue)?.finished(item, outcome, durationMs);
    item.done?.();
  };

  #wakeFound({ news, due }: PollResult): void {
    for (const { queue, topic } of news) this.#readers.get(queue)?.wakeTopic(topic);
    for (const [queue, dueMs] of due) if (dueMs === 0) this.#readers.get(queue)?.wakeDeliveries();
  }

  #unblock(): void {
    for (const reader of this.#readers.values()) reader.unblock();
  }

  #places(): Places {
    const readers = [...this.#readers.values()];
    const countIdle = (intakes: readonly Intake[]) =>
      intakes.filter((intake) => intake.isIdle).length;
    const intakes = readers.flatMap((reader) => reader.intakes);
    const topics = readers.flatMap((reader) => reader.topics);
    return { total: intakes.length, idle: countIdle(intakes), idleTopics: countIdle(topics) };
  }
}

/** The patterns and topics of each queue. */
function groupByQueue({ subscriptions }: SourceContext): ReadonlyMap<string, Subscribed> {
  const groups = new Map<string, Subscribed>();
  for (const { queue, pattern, topic } of subscriptions) {
    const group = groups.get(queue) ?? { patterns: [], topics: new Set() };
    group.patterns.push(pattern);
    if (topic !== EVERY_TOPIC) group.topics.add(topic);
    groups.set(queue, group);
  }
  return groups;
}
