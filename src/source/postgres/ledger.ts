import { EventsError } from "../../message/errors.js";
import { type BatchProgress, type Leftover, settleBatches } from "../../postgres/batch.js";
import type { Database } from "../../postgres/database.js";
import { type DeliveryProgress, settleDeliveries } from "../../postgres/delivery.js";
import {
  abandon,
  type Recorded,
  settleOrderedBatches,
  settleOrderedDeliveries,
} from "../../postgres/ordered.js";
import { Loop } from "../loop.js";
import type { DeadReason, SourceContext } from "../source.js";
import { dueWork, PROGRESS_MS } from "./due-work.js";
import { type Held, HeldBatch, type HeldDelivery, type Item } from "./held.js";
import type { Settlement } from "./leftover.js";

export interface LedgerOptions {
  readonly db: Database;
  readonly leaseMs: number;
  readonly onError: (error: unknown) => void;
  /** Called after rows were recorded that may be due now or later. */
  readonly onLeftovers: () => void;
  /** The database knows that this item of an ordered queue will come again. */
  readonly onRecorded: (item: Item) => void;
  /** A statement has committed, so many ms after it was sent. */
  readonly onCommit: (ms: number) => void;
  /** It is recorded that a message is dead. */
  readonly onDead: SourceContext["onDead"];
  /** What became of a message that may have killed a worker is recorded, or it was lost. */
  readonly onSuspectOver: (item: Item) => void;
  /** Everything that is held of an ordered queue was lost. */
  readonly onQueueLost: (queue: string) => void;
}

/** How long handlers of what was dropped have to heed their signal, before others run the same. */
const GRACE_MS = 2_000;

/** Batches whose messages are all done wait for so long, in ms, to be recorded together. */
const GATHER_MS = 20;

type Record<P> = (progress: readonly P[]) => Promise<Recorded<P>>;

/**
 * What this process holds under lease. It records outcomes and renews what is not settled; whatever gathers while one
 * statement is under way goes with the next. An ordered queue's outcomes are recorded together, or none: a message that
 * was handled after another of its key must not be finished before that one is.
 */
export class Ledger {
  readonly #options: LedgerOptions;
  /** When each was last recorded. */
  readonly #batches = new Map<HeldBatch, number>();
  readonly #deliveries = new Map<HeldDelivery, number>();
  readonly #loop: Loop;
  #recordedAt = 0;

  constructor(options: LedgerOptions) {
    this.#options = options;
    this.#loop = new Loop(() => this.#record(), options.onError);
    this.#loop.start();
  }

  add(held: HeldBatch | HeldDelivery): void {
    if (this.#isEmpty) this.#loop.wake();
    if (held instanceof HeldBatch) this.#batches.set(held, performance.now());
    else this.#deliveries.set(held, performance.now());
  }

  settle(item: Item, outcome: Settlement): void {
    const { held } = item;
    if (held.lost) return;
    held.settle(item, outcome);
    if (held.isSettled && this.#isUrgent(held)) this.#loop.wake();
  }

  /** Gives up what still runs: it is due again at once, and its signal is aborted. */
  abandon(): void {
    const error = new EventsError("STOPPED", "The receiver stopped before the handler had ended.");
    const { code, message } = error;
    for (const held of this.#all()) {
      for (const item of held.unsettled())
        held.settle(item, { type: "retry", afterMs: 0, reason: { code, message } });
      held.abandon(error);
    }
  }

  /** Records what is settled, with a second try, and ends. What can't be recorded comes again when its lease is over. */
  async close(): Promise<void> {
    await this.#loop.stop();
    if (this.#isEmpty) return;
    await this.#record()
      .catch(() => this.#record())
      .catch(this.#options.onError);
  }

  /** Others wait for a key, or for when a retry is due. */
  #isUrgent({ isOrdered, hasLeftovers, suspect }: Held): boolean {
    if (isOrdered || hasLeftovers || suspect) return true;
    return performance.now() - this.#recordedAt >= GATHER_MS;
  }

  get #isEmpty(): boolean {
    return this.#batches.size === 0 && this.#deliveries.size === 0;
  }

  #all(): readonly (HeldBatch | HeldDelivery)[] {
    return [...this.#batches.keys(), ...this.#deliveries.keys()];
  }

  async #record(): Promise<number | undefined> {
    const { db, leaseMs } = this.#options;
    let isAny = false;
    for (const { queue, held } of dueWork(this.#batches)) {
      isAny = true;
      await this.#recordAll<BatchProgress, HeldBatch>(this.#batches, held, (progress) =>
        queue === undefined
          ? unordered(settleBatches(db, progress, leaseMs))
          : settleOrderedBatches(db, queue, progress, leaseMs),
      );
    }
    for (const { queue, held } of dueWork(this.#deliveries)) {
      isAny = true;
      await this.#recordAll<DeliveryProgress, HeldDelivery>(this.#deliveries, held, (progress) =>
        queue === undefined
          ? unordered(settleDeliveries(db, progress, leaseMs))
          : settleOrderedDeliveries(db, queue, progress, leaseMs),
      );
    }
    if (isAny) this.#recordedAt = performance.now();
    if (this.#isEmpty) return undefined;
    return isAny ? GATHER_MS : PROGRESS_MS;
  }

  async #recordAll<P, H extends Held<P>>(
    open: Map<H, number>,
    due: readonly H[],
    record: Record<P>,
  ): Promise<void> {
    const now = performance.now();
    const entries = due.map((held) => ({
      held,
      wasSettled: held.isSettled,
      progress: held.takeProgress(),
    }));
    let recorded: Recorded<P>;
    try {
      recorded = await record(entries.map(({ progress }) => progress));
    } catch (error) {
      for (const { held, progress } of entries) held.restore(progress);
      throw error;
    }
    this.#options.onCommit(performance.now() - now);
    const lost = new Set(recorded.lost);
    for (const { held, wasSettled, progress } of entries) {
      if (lost.has(progress)) this.#lose(held);
      else if (wasSettled) this.#forget(held);
      else open.set(held, now);
      for (const { item, leftover } of held.leftoversOf(progress)) {
        if (held.isOrdered) this.#options.onRecorded(item);
        if (leftover.state === "dead" && !lost.has(progress)) this.#dead(item, leftover);
      }
    }
    if (recorded.isDue || entries.some(({ held }) => held.hasLeftovers)) {
      this.#options.onLeftovers();
    }
  }

  #dead({ queue, message, attempt }: Item, { reason }: Leftover): void {
    this.#options.onDead({ queue, message, attempt, reason: reason as DeadReason });
  }

  /** Of an ordered queue everything is lost: what was handled since may have come after what was lost. */
  #lose(held: Held): void {
    if (held.lost) return;
    const { queue } = held.key;
    const text = `The lease on messages of queue ${queue} was lost; another worker has them, or will.`;
    const error = new EventsError("LEASE_LOST", text);
    const isLost = (one: Held) => one === held || (held.isOrdered && one.key.queue === queue);
    const lost = this.#all().filter(isLost);
    for (const one of lost) {
      one.abandon(error);
      this.#forget(one);
    }
    const { db, onError, onQueueLost } = this.#options;
    if (held.isOrdered) {
      onQueueLost(queue);
      const keys = lost.map(({ key }) => key);
      abandon(db, queue, keys, GRACE_MS).catch(onError);
    }
    onError(error);
  }

  #forget(held: Held): void {
    if (held instanceof HeldBatch) this.#batches.delete(held);
    else this.#deliveries.delete(held as HeldDelivery);
    if (held.suspect) this.#options.onSuspectOver(held.suspect);
  }
}

async function unordered<P>(lost: Promise<readonly P[]>): Promise<Recorded<P>> {
  return { lost: await lost, isDue: false };
}
