import type { KafkaMessage } from "../../kafka/client.js";
import { toDead, toRetry, withFailure } from "../../kafka/history.js";
import type { Lanes } from "../lanes.js";
import type { DeadReason, Outcome, SourceContext } from "../source.js";
import type { Company } from "./company.js";
import { tried } from "./mark.js";
import type { Member } from "./member.js";
import type { Outlet } from "./outlet.js";
import type { Item, Partition } from "./partition.js";
import type { Read } from "./reader.js";

const noHandler: DeadReason = {
  code: "NO_HANDLERS",
  message: "The queue is subscribed to the message, and this process has no handler for it.",
};

const workerLost: DeadReason = {
  code: "WORKER_LOST",
  message: "Each process that handled the message alone has ended without a word.",
};

/** What couldn't be written before a message is tried alone is written again after so long. */
const NOTE_MS = 1_000;

/** What lanes run. */
export interface Task {
  readonly partition: Partition;
  run(): Promise<void>;
}

export interface StreamOptions {
  readonly queue: string;
  readonly context: SourceContext;
  readonly lanes: Lanes<Task>;
  /** Of all messages of the process. */
  readonly company: Company;
  readonly outlet: Outlet;
  readonly read: (partition: Partition, record: KafkaMessage) => Read | undefined;
  /** Messages of a key run one at a time. */
  readonly ordered: boolean;
  /** Where what failed waits for its next attempt; undefined if it waits in memory. */
  readonly retryTopicOf: ((topic: string) => string) | undefined;
  /** Where what isn't due yet waits; undefined if it waits in memory. */
  readonly scheduleTopicOf: ((topic: string) => string) | undefined;
  readonly failTopicOf: (topic: string) => string;
}

/**
 * What a queue reads as one member of one group, from the log to the handlers, and the outcomes back. A record is finished
 * only once it is done, or written to where it waits or rests.
 */
export class Stream {
  readonly #options: StreamOptions;
  #member: Member | undefined;
  #deferred: Item[] = [];
  #isStopped = false;

  constructor(options: StreamOptions) {
    this.#options = options;
  }

  attach(member: Member): void {
    this.#member = member;
  }

  take(partition: Partition, records: readonly KafkaMessage[]): void {
    for (const record of records) {
      const place = partition.watermark.take(Number(record.offset));
      if (!place) continue;
      const read = this.#options.read(partition, record);
      if (!read) {
        partition.watermark.finish(place);
        continue;
      }
      const item = { ...read, partition, place, record, heldSince: Date.now() };
      this.#accept(item, read.dead);
    }
  }

  /** Goes on with what came up while it wasn't known whose it is. */
  resume(): void {
    for (const item of this.#deferred.splice(0)) this.#start(item);
  }

  /** Starts nothing more. */
  stop(): void {
    this.#isStopped = true;
  }

  #accept(item: Item, dead: DeadReason | undefined): void {
    const { scheduleTopicOf } = this.#options;
    const waits = item.dueAt > Date.now();
    if (dead) this.#background(item, () => this.#bury(item, dead));
    else if (waits && scheduleTopicOf)
      this.#background(item, () => this.#moveTo(scheduleTopicOf, item));
    else this.#schedule(item);
  }

  #schedule(item: Item): void {
    const { partition, history, dueAt } = item;
    if (partition.isLost || this.#isStopped) return;
    // What waits to run again keeps its place; a scheduled message takes one when it is due.
    if (this.#options.ordered && history.attempts > 0) partition.lines.join(item);
    const waitMs = dueAt - Date.now();
    if (waitMs > 0) partition.wait(item, waitMs, () => this.#enter(item));
    else this.#enter(item);
  }

  #enter(item: Item): void {
    if (this.#options.ordered && !item.partition.lines.join(item)) return;
    this.#start(item);
  }

  #start(item: Item): void {
    const { partition } = item;
    if (partition.isCareful) {
      partition.suspects.push(item);
      this.#tryNext(partition);
    } else this.#background(item, () => this.#options.company.together(() => this.#run(item)));
  }

  /** Of those that may have killed members, one after the other; what was read behind them runs as ever. */
  #tryNext(partition: Partition): void {
    if (partition.isTrying) return;
    const waiting = partition.suspects.sort((a, b) => a.place.offset - b.place.offset);
    if (!partition.isCareful) {
      for (const item of waiting.splice(0)) this.#start(item);
      return;
    }
    const [item] = waiting.splice(0, 1);
    if (!item) return;
    partition.isTrying = true;
    this.#background(item, async () => {
      await this.#options.company.alone(() => this.#tryAlone(item));
      partition.isTrying = false;
      this.#tryNext(partition);
    });
  }

  /** Says so first, so that it is blamed alone if the process ends. */
  async #tryAlone(item: Item): Promise<void> {
    const { partition, place } = item;
    if (partition.isLost || this.#isStopped) return;
    const mark = tried(partition.mark, place.offset);
    if (!mark) {
      item.history = withFailure(item.history, new Date(), workerLost);
      await this.#bury(item, workerLost);
      return;
    }
    partition.isTried = true;
    const isNoted = await this.#member?.note(partition, mark);
    if (isNoted) {
      await this.#run(item);
      partition.mark = { ...partition.mark, suspect: -1, tries: 0 };
    } else partition.wait(item, NOTE_MS, () => this.#start(item));
    partition.isTried = false;
  }

  /** In a lane, so that a stop waits for it, and what is written keeps back what is read. */
  #background(item: Item, work: () => Promise<void>): void {
    const { partition } = item;
    if (this.#isStopped) return;
    this.#options.lanes.add(this.#options.queue, {
      partition,
      run: async () => {
        if (!partition.isLost) await work();
      },
    });
  }

  async #run(item: Item): Promise<void> {
    if (item.partition.isLost || this.#isStopped) return; // while it waited for its turn
    if (this.#member?.isSuspended) {
      this.#deferred.push(item);
      return;
    }
    const { queue, context } = this.#options;
    const { message, partition, history } = item;
    const { signal } = partition;
    const beganAt = new Date();
    const attempt = history.attempts + 1;
    const outcome = await context.sink.deliver({ queue, message, attempt, signal });
    if (!partition.isLost) await this.#settle(item, beganAt, outcome);
  }

  async #settle(item: Item, beganAt: Date, outcome: Outcome): Promise<void> {
    switch (outcome.type) {
      case "done":
        this.#finish(item);
        return;
      case "dead":
        item.history = withFailure(item.history, beganAt, outcome.reason);
        await this.#bury(item, outcome.reason);
        return;
      case "retry":
        item.history = withFailure(item.history, beganAt, outcome.reason);
        item.dueAt = Date.now() + outcome.afterMs;
        await this.#retry(item);
        return;
      case "parked":
        await this.#bury(item, noHandler);
        return;
      case "released":
        this.#schedule(item);
    }
  }

  async #retry(item: Item): Promise<void> {
    const { retryTopicOf } = this.#options;
    if (retryTopicOf) await this.#moveTo(retryTopicOf, item);
    else this.#schedule(item);
  }

  /** Lets the item wait in another topic; in memory, if it is too large there. */
  async #moveTo(topicOf: (topic: string) => string, item: Item): Promise<void> {
    const { partition, record, history, dueAt } = item;
    const retry = toRetry(record, history, new Date(dueAt));
    const topic = topicOf(partition.topic);
    const large = { unlessTooLarge: true };
    try {
      const isWritten = await this.#options.outlet.write(topic, retry, partition.signal, large);
      if (isWritten) this.#finish(item);
    } catch (error) {
      this.#options.context.onError(error);
      this.#schedule(item);
    }
  }

  async #bury(item: Item, reason: DeadReason): Promise<void> {
    const { queue, outlet, failTopicOf, context } = this.#options;
    const { partition, record, message, history } = item;
    const dead = toDead(record, history, { reason, diedAt: new Date() });
    const isWritten = await outlet.write(failTopicOf(partition.topic), dead, partition.signal);
    if (!isWritten) return;
    this.#finish(item);
    context.onDead({ queue, message, attempt: Math.max(1, history.attempts), reason });
  }

  #finish(item: Item): void {
    if (item.partition.isLost) return;
    this.#member?.finish(item);
    if (!this.#options.ordered) return;
    const next = item.partition.lines.leave(item);
    if (next) this.#start(next);
  }

  /** Appends waiting items anew, so that what is finished behind them can be committed, and more be read. */
  async renew(items: readonly Item[]): Promise<void> {
    const same = (topic: string) => topic;
    const { ordered } = this.#options;
    // One that has failed keeps its key's place in an ordered queue.
    const free = items.filter(({ history }) => !ordered || history.attempts === 0);
    const taken = free.filter((item) => item.partition.stopWaiting(item));
    await Promise.all(taken.map((item) => this.#moveTo(same, item)));
  }
}
