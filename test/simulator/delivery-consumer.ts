import {
  type ClaimedDelivery,
  claimDeliveries,
  settleDeliveries,
} from "../../src/postgres/delivery.js";
import type { Oracle } from "./oracle.js";
import { randomOutcome } from "./outcome.js";
import { type Random, sleep } from "./random.js";
import { LEASE_MS, type World } from "./world.js";

const IDLE_MS = 80;

/** Claims and settles the deliveries of a queue, as unreliably as a consumer does batches. */
export class DeliveryConsumer {
  readonly #world: World;
  readonly #oracle: Oracle;
  readonly #patterns: readonly string[];
  readonly #random: Random;

  constructor(world: World, oracle: Oracle) {
    this.#world = world;
    this.#oracle = oracle;
    this.#patterns = oracle.queue.subscriptions.map(({ pattern }) => pattern);
    this.#random = world.random.fork();
  }

  async run(): Promise<void> {
    while (this.#world.phase !== "done") {
      const claimed = (await this.#world.attempt(() => this.#claim())) ?? [];
      await this.#end(claimed);
      if (claimed.length === 0) await sleep(this.#random.below(IDLE_MS));
    }
  }

  async #claim(): Promise<readonly ClaimedDelivery[]> {
    const request = {
      limit: 1 + this.#random.below(50),
      suspects: this.#random.below(20),
      patterns: this.#patterns,
    };
    const claimant = { session: null, leaseMs: LEASE_MS };
    const { db } = this.#world;
    const claimed = await claimDeliveries(db, this.#oracle.queue.name, request, claimant);
    for (const delivery of claimed) this.#oracle.reclaimed(delivery.message.id, delivery);
    this.#world.count("deliveries", claimed.length);
    return claimed;
  }

  async #end(claimed: readonly ClaimedDelivery[]): Promise<void> {
    if (claimed.length === 0) return;
    if (!this.#random.chance(0.05)) return this.#settle(claimed);
    this.#world.count("workers lost");
    if (this.#random.chance(0.5)) this.#world.start(this.#comeBack(claimed));
  }

  async #comeBack(claimed: readonly ClaimedDelivery[]): Promise<void> {
    await sleep(LEASE_MS + this.#random.below(LEASE_MS));
    await this.#settle(claimed);
  }

  async #settle(claimed: readonly ClaimedDelivery[]): Promise<void> {
    const settlements = claimed.map((delivery) => ({
      delivery,
      progress: {
        key: delivery.key,
        result: randomOutcome(this.#random, delivery.attempt) ?? { state: "done" as const },
      },
      taken: this.#oracle.takenFrom([delivery.message.id], delivery),
    }));
    const lost = await this.#world.attempt(() =>
      settleDeliveries(
        this.#world.db,
        settlements.map(({ progress }) => progress),
        LEASE_MS,
      ),
    );
    if (!lost) return this.#world.count("settlements failed");
    for (const { delivery, progress, taken } of settlements) {
      if (lost.includes(progress)) this.#world.count("settlements refused");
      else this.#accept(delivery.message.id, progress.result.state, taken);
    }
  }

  #accept(id: string, state: string, taken: number): void {
    this.#oracle.accepted(taken);
    if (state === "done" || state === "dead") this.#oracle.finished(id, state);
  }
}
