import { type ClaimedBatch, claimBatch, isUnsubscribed } from "../../postgres/batch.js";
import type { Database } from "../../postgres/database.js";
import { type ClaimedDelivery, claimDeliveries } from "../../postgres/delivery.js";
import {
  claimOrderedBatch,
  claimOrderedDeliveries,
  type OrderedClaimant,
} from "../../postgres/ordered.js";
import type { DeadReason } from "../source.js";
import { HeldBatch, HeldDelivery, type Item } from "./held.js";
import type { Taken } from "./intake.js";
import type { Ledger } from "./ledger.js";
import type { SuspectSlot } from "./suspect-slot.js";

/** So many workers may be lost with a message, the last ones while it ran alone, before it is taken for what kills them. */
const MAX_LOST = 4;

export interface TakerOptions {
  readonly db: Database;
  readonly claimant: OrderedClaimant;
  readonly queue: string;
  readonly patterns: readonly string[];
  readonly isOrdered: boolean;
  readonly ledger: Ledger;
  readonly suspects: SuspectSlot<Item>;
}

export interface TakenItems extends Taken {
  readonly items: readonly Item[];
}

/** Claims work of one queue, and enters it in the ledger. */
export class Taker {
  readonly #options: TakerOptions;
  /** Leases under an earlier one are not ours any more, though the database may not know it yet. */
  #worker: string;
  #losses = 0;

  constructor(options: TakerOptions) {
    this.#options = options;
    this.#worker = options.claimant.worker;
  }

  /** All that was taken is lost. As another worker, it is not given what follows on that. */
  lost(): void {
    this.#losses += 1;
    this.#worker = `${this.#options.claimant.worker} ${this.#losses}`;
  }

  /** The messages of a batch that are due; undefined if the queue does not read the topic any more. */
  async takeBatch(topic: string, limit: number): Promise<TakenItems | undefined> {
    try {
      const claimed = await this.#claimBatch(topic, limit);
      if (!claimed) return { items: [], count: 0, left: "none" };
      const { messages, exhausted, behind = 0 } = claimed;
      return {
        items: messages.length > 0 ? this.#holdBatch(claimed) : [],
        count: messages.length + behind,
        position: messages.at(-1)?.position,
        left: exhausted ? "none" : "some",
      };
    } catch (error) {
      if (isUnsubscribed(error)) return undefined;
      throw error;
    }
  }

  /**
   * Deliveries that are due, at most `run` of a key. A suspect waits until
   * what became of the one before is recorded, else it would share its blame; who is given one has the slot.
   */
  async takeDeliveries(limit: number, run: number): Promise<TakenItems> {
    const { suspects } = this.#options;
    const isFree = suspects.take();
    const claimed = await this.#claimDeliveries(limit, isFree ? 1 : 0, run).catch((error) => {
      if (isFree) suspects.enter(undefined);
      throw error;
    });
    const open = claimed
      .map((each) => this.#holdDelivery(each))
      .filter(({ held }) => !held.isSettled);
    if (isFree) suspects.enter(open.find(({ isSuspect }) => isSuspect));
    const left = claimed.length > 0 ? "some" : isFree ? "none" : "blocked";
    return { items: open, count: claimed.length, left };
  }

  #claimBatch(
    topic: string,
    limit: number,
  ): Promise<(ClaimedBatch & { readonly behind?: number }) | undefined> {
    const { db, queue, isOrdered, claimant } = this.#options;
    const claim = isOrdered ? claimOrderedBatch : claimBatch;
    return claim(db, queue, topic, limit, { ...claimant, worker: this.#worker });
  }

  #claimDeliveries(limit: number, suspects: number, run: number) {
    const { db, queue, patterns, isOrdered, claimant } = this.#options;
    const claim = isOrdered ? claimOrderedDeliveries : claimDeliveries;
    return claim(db, queue, { limit, suspects, patterns, run }, claimant);
  }

  #holdBatch(claimed: ClaimedBatch): readonly Item[] {
    const { ledger, isOrdered } = this.#options;
    const batch = new HeldBatch(claimed, isOrdered);
    ledger.add(batch);
    return batch.items.filter((item, n) => {
      if (!claimed.messages[n]?.early) return true;
      ledger.settle(item, { type: "scheduled" });
      return false;
    });
  }

  #holdDelivery(claimed: ClaimedDelivery): Item {
    const { ledger, isOrdered } = this.#options;
    const { item } = new HeldDelivery(claimed, isOrdered);
    ledger.add(item.held);
    if (claimed.lost >= MAX_LOST)
      ledger.settle(item, { type: "dead", reason: workerLost(claimed.lost) });
    return item;
  }
}

function workerLost(lost: number): DeadReason {
  const message = `${lost} workers were lost while it ran, the last times alone: it is taken for what kills them.`;
  return { code: "WORKER_LOST", message };
}
