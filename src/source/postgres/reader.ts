import {
  type Claimant,
  type ClaimedBatch,
  claimBatch,
  isUnsubscribed,
} from "../../postgres/batch.js";
import type { Database } from "../../postgres/database.js";
import { type ClaimedDelivery, claimDeliveries } from "../../postgres/delivery.js";
import type { DeadReason, Sink } from "../source.js";
import { Demand } from "./demand.js";
import { HeldBatch, HeldDelivery, type Item } from "./held.js";
import { Intake } from "./intake.js";
import type { Ledger } from "./ledger.js";
import type { SuspectSlot } from "./suspect-slot.js";

/** So many workers may be lost while a message runs before it is taken for what kills them. */
const MAX_LOST = 3;

export interface ReaderOptions {
  readonly db: Database;
  readonly claimant: Claimant;
  readonly queue: string;
  readonly patterns: readonly string[];
  /** More may be met later. */
  readonly topics: Iterable<string>;
  readonly concurrency: number;
  readonly sink: Sink;
  readonly ledger: Ledger;
  readonly suspects: SuspectSlot;
  /** Runs items when workers are free. */
  readonly start: (items: readonly Item[]) => void;
  readonly onIdle: () => void;
  readonly onError: (error: unknown) => void;
}

/** One queue in this process: an intake for each topic, and one for deliveries. */
export class Reader {
  readonly demand: Demand;
  readonly #options: ReaderOptions;
  readonly #topics = new Map<string, Intake>();
  readonly #deliveries: Intake;

  constructor(options: ReaderOptions) {
    this.#options = options;
    this.demand = new Demand(options.concurrency);
    this.#deliveries = this.#intake((limit) => this.#takeDeliveries(limit));
    for (const topic of options.topics) this.#topic(topic);
  }

  get intakes(): readonly Intake[] {
    return [...this.#topics.values(), this.#deliveries];
  }

  get topics(): readonly Intake[] {
    return [...this.#topics.values()];
  }

  /** There may be news on a topic. */
  wakeTopic(topic: string): void {
    this.#topic(topic).wake();
  }

  /** A delivery is due. */
  wakeDeliveries(): void {
    this.#deliveries.wake();
  }

  /** The way is free for a suspect. */
  unblock(): void {
    this.#deliveries.unblock();
  }

  /** One message less is held. */
  finished(durationMs?: number): void {
    this.demand.finished(durationMs);
    for (const intake of this.#topics.values()) intake.makeRoom();
    this.#deliveries.makeRoom();
  }

  async stop(): Promise<void> {
    await Promise.all(this.intakes.map((intake) => intake.stop()));
  }

  #topic(topic: string): Intake {
    const known = this.#topics.get(topic);
    if (known) return known;
    const intake = this.#intake((limit) => this.#takeBatch(topic, limit));
    this.#topics.set(topic, intake);
    return intake;
  }

  #intake(take: (limit: number) => Promise<number | "blocked">): Intake {
    const { onIdle, onError } = this.#options;
    return new Intake({ demand: this.demand, take, onIdle, onError });
  }

  async #takeBatch(topic: string, limit: number): Promise<number> {
    const { ledger } = this.#options;
    const claimed = await this.#claimBatch(topic, limit);
    if (!claimed) return 0;
    const batch = new HeldBatch(claimed);
    ledger.add(batch);
    const early = claimed.messages.map((message) => message.early);
    for (const [n, item] of batch.items.entries())
      if (early[n]) ledger.settle(item, { type: "scheduled" });
    this.#start(batch.items.filter((_, n) => !early[n]));
    return claimed.messages.length;
  }

  async #claimBatch(topic: string, limit: number): Promise<ClaimedBatch | undefined> {
    const { db, queue, claimant } = this.#options;
    try {
      return await claimBatch(db, queue, topic, limit, claimant);
    } catch (error) {
      if (!isUnsubscribed(error)) throw error;
      this.#forget(topic);
      return undefined;
    }
  }

  /** The queue has been unsubscribed from the topic. Should that change, a poll brings it back. */
  #forget(topic: string): void {
    void this.#topics.get(topic)?.stop();
    this.#topics.delete(topic);
  }

  /** A suspect waits until no other one runs in this process. */
  async #takeDeliveries(limit: number): Promise<number | "blocked"> {
    const { db, queue, patterns, claimant, suspects } = this.#options;
    const isFree = suspects.take();
    let isUsed = false;
    try {
      const request = { limit, suspects: isFree ? 1 : 0, patterns };
      const claimed = await claimDeliveries(db, queue, request, claimant);
      const items = claimed.map((delivery) => this.#hold(delivery));
      const open = items.filter((item) => !item.held.isSettled);
      isUsed = open.some((item) => item.isSuspect);
      this.#start(open);
      return claimed.length > 0 || isFree ? claimed.length : "blocked";
    } finally {
      if (isFree && !isUsed) suspects.release();
    }
  }

  #hold(claimed: ClaimedDelivery): Item {
    const { ledger } = this.#options;
    const { item } = new HeldDelivery(claimed);
    ledger.add(item.held);
    if (claimed.lost >= MAX_LOST)
      ledger.settle(item, { type: "dead", reason: workerLost(claimed.lost) });
    return item;
  }

  #start(items: readonly Item[]): void {
    const { sink, queue, ledger, start } = this.#options;
    const handled = items.filter(({ message }) => sink.handles(queue, message.name));
    if (handled.length < items.length) {
      for (const item of items)
        if (!sink.handles(queue, item.message.name)) ledger.settle(item, { type: "parked" });
    }
    this.demand.took(handled.length);
    start(handled);
  }
}

function workerLost(lost: number): DeadReason {
  const message = `${lost} workers were lost while it ran, the last times alone: it is taken for what kills them.`;
  return { code: "WORKER_LOST", message };
}
