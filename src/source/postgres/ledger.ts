import { EventsError } from "../../message/errors.js";
import { settleBatches } from "../../postgres/batch.js";
import type { Database } from "../../postgres/database.js";
import { settleDeliveries } from "../../postgres/delivery.js";
import { type Held, HeldBatch, type HeldDelivery, type Item } from "./held.js";
import type { Settlement } from "./leftover.js";
import { Loop } from "./loop.js";

/** Progress is recorded at least so often, so that a crash repeats little. */
const PROGRESS_MS = 200;
/** Leases are renewed so often, which also clears a worker of suspicion whose listener reconnects. */
const RENEW_MS = 1_000;

export interface LedgerOptions {
  readonly db: Database;
  readonly leaseMs: number;
  readonly onError: (error: unknown) => void;
  /** Called after rows were recorded that may be due later. */
  readonly onLeftovers: () => void;
}

/**
 * What this process holds under lease. It records outcomes and renews what is not settled; whatever gathers while one
 * statement is under way goes with the next.
 */
export class Ledger {
  readonly #options: LedgerOptions;
  /** When each was last recorded. */
  readonly #batches = new Map<HeldBatch, number>();
  readonly #deliveries = new Map<HeldDelivery, number>();
  readonly #loop: Loop;

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
    if (held.isSettled) this.#loop.wake();
  }

  /** Gives up what still runs: it is due again at once, and its signal is aborted. */
  abandon(): void {
    const error = new EventsError("STOPPED", "The receiver stopped before the handler had ended.");
    const { code, message } = error;
    for (const held of [...this.#batches.keys(), ...this.#deliveries.keys()]) {
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

  get #isEmpty(): boolean {
    return this.#batches.size === 0 && this.#deliveries.size === 0;
  }

  async #record(): Promise<number | undefined> {
    await this.#recordDue(this.#batches, settleBatches);
    await this.#recordDue(this.#deliveries, settleDeliveries);
    return this.#isEmpty ? undefined : PROGRESS_MS;
  }

  async #recordDue<P, H extends Held<P>>(
    open: Map<H, number>,
    record: (db: Database, progress: readonly P[], leaseMs: number) => Promise<readonly P[]>,
  ): Promise<void> {
    const now = performance.now();
    const due = [...open]
      .filter(([held, savedAt]) => isDue(held, now - savedAt))
      .map(([held]) => held);
    if (due.length === 0) return;
    const entries = due.map((held) => ({
      held,
      wasSettled: held.isSettled,
      progress: held.takeProgress(),
    }));
    try {
      const { db, leaseMs } = this.#options;
      const lost = new Set(
        await record(
          db,
          entries.map(({ progress }) => progress),
          leaseMs,
        ),
      );
      for (const { held, wasSettled, progress } of entries) {
        if (lost.has(progress)) this.#lose(open, held);
        else if (wasSettled) open.delete(held);
        else open.set(held, now);
      }
    } catch (error) {
      for (const { held, progress } of entries) held.restore(progress);
      throw error;
    }
    if (entries.some(({ held }) => held.hasLeftovers)) this.#options.onLeftovers();
  }

  #lose<H extends Held>(open: Map<H, number>, held: H): void {
    open.delete(held);
    const text = `The lease on messages of queue ${held.key.queue} was lost; another worker has them, or will.`;
    const error = new EventsError("LEASE_LOST", text);
    held.abandon(error);
    this.#options.onError(error);
  }
}

function isDue(held: Held, ageMs: number): boolean {
  return held.isSettled || ageMs >= RENEW_MS || (held.isDirty && ageMs >= PROGRESS_MS);
}
