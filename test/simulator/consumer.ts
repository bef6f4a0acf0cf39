import {
  type BatchKey,
  claimBatch,
  type Leftover,
  settleBatches,
} from "../../src/postgres/batch.js";
import type { ClaimedMessage } from "../../src/postgres/packed.js";
import type { Oracle } from "./oracle.js";
import { randomOutcome } from "./outcome.js";
import { type Random, sleep } from "./random.js";
import { LEASE_MS, type World } from "./world.js";

/** After a claim that found nothing, at the most. Shorter, and idle consumers leave publishers no time. */
const IDLE_MS = 40;

/** A leased batch, and what of it is not settled yet. */
class Held {
  readonly key: BatchKey;
  readonly done: string[] = [];
  open: readonly ClaimedMessage[];

  constructor(key: BatchKey, messages: readonly ClaimedMessage[]) {
    this.key = key;
    this.open = messages;
  }

  take(count: number): readonly ClaimedMessage[] {
    const taken = this.open.slice(0, count);
    this.open = this.open.slice(count);
    this.done.push(...taken.map(({ position }) => position));
    return taken;
  }

  /** After a settlement that has failed, which has changed nothing. */
  giveBack(taken: readonly ClaimedMessage[]): void {
    this.open = [...taken, ...this.open];
    this.done.splice(this.done.length - taken.length);
  }
}

/** Claims and settles batches of one queue and topic; some of them it leaves, and some it settles too late. */
export class Consumer {
  readonly #world: World;
  readonly #oracle: Oracle;
  readonly #topic: string;
  readonly #hasNews: () => boolean;
  readonly #random: Random;

  constructor(world: World, oracle: Oracle, topic: string, hasNews: () => boolean) {
    this.#world = world;
    this.#oracle = oracle;
    this.#topic = topic;
    this.#hasNews = hasNews;
    this.#random = world.random.fork();
  }

  async run(): Promise<void> {
    const held: Held[] = [];
    while (this.#world.phase !== "done") {
      const claimed = this.#hasNews() ? await this.#claim() : undefined;
      if (claimed) held.push(claimed);
      if (!claimed || held.length > 2 || this.#random.chance(0.7)) await this.#end(held.splice(0));
      if (!claimed) await sleep(this.#random.below(IDLE_MS));
    }
    await this.#settle(held);
  }

  async #claim(): Promise<Held | undefined> {
    const { db } = this.#world;
    const limit = 1 + this.#random.below(this.#random.chance(0.3) ? 200 : 20);
    const claimant = { session: null, leaseMs: LEASE_MS };
    const batch = await this.#world.attempt(() =>
      claimBatch(db, this.#oracle.queue.name, this.#topic, limit, claimant),
    );
    if (!batch) return undefined;
    this.#world.count("batches");
    const held = new Held(batch.key, batch.messages);
    for (const { message } of batch.messages) this.#oracle.claimed(message.id, held);
    return held;
  }

  async #end(held: readonly Held[]): Promise<void> {
    if (held.length === 0) return;
    if (!this.#random.chance(0.1)) return this.#settle(held);
    this.#world.count("workers lost");
    if (this.#random.chance(0.5)) await this.#settle(held, 0.5);
    if (this.#random.chance(0.5)) this.#world.start(this.#comeBack(held));
  }

  /** As a worker that was thought to be lost. */
  async #comeBack(held: readonly Held[]): Promise<void> {
    await sleep(LEASE_MS + this.#random.below(LEASE_MS));
    await this.#settle(held);
  }

  /** Settles a share of each batch, and renews its lease if something remains. */
  async #settle(held: readonly Held[], share = 1): Promise<void> {
    if (held.length === 0) return;
    const settlements = held.map((batch) => this.#decide(batch, share));
    const lost = await this.#world.attempt(() =>
      settleBatches(
        this.#world.db,
        settlements.map(({ progress }) => progress),
        LEASE_MS,
      ),
    );
    if (!lost) {
      for (const { batch, messages } of settlements) batch.giveBack(messages);
      return this.#world.count("settlements failed");
    }
    for (const { progress, outcomes, taken } of settlements) {
      if (lost.includes(progress)) this.#world.count("settlements refused");
      else this.#accept(outcomes, taken);
    }
  }

  #decide(batch: Held, share: number) {
    const messages = batch.take(Math.ceil(batch.open.length * share));
    const outcomes = messages.map((claimed) => ({ claimed, leftover: this.#outcomeOf(claimed) }));
    const leftovers = outcomes.flatMap(({ claimed, leftover }) =>
      leftover ? [[claimed.position, leftover] as const] : [],
    );
    const progress = {
      key: batch.key,
      done: batch.open.length > 0 ? [...batch.done] : undefined,
      leftovers: new Map(leftovers),
    };
    const ids = messages.map(({ message }) => message.id);
    return { batch, messages, progress, outcomes, taken: this.#oracle.takenFrom(ids, batch) };
  }

  #outcomeOf({ early }: ClaimedMessage): Leftover | undefined {
    return early ? { state: "scheduled", attempt: 0 } : randomOutcome(this.#random, 1);
  }

  #accept(
    outcomes: readonly { claimed: ClaimedMessage; leftover: Leftover | undefined }[],
    taken: number,
  ): void {
    this.#oracle.accepted(taken);
    for (const { claimed, leftover } of outcomes) {
      const state = leftover?.state ?? "done";
      if (state === "done" || state === "dead") this.#oracle.finished(claimed.message.id, state);
    }
  }
}
