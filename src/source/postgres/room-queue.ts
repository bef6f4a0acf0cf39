import type { Demand } from "./demand.js";

/** Who takes when there is room. False from `makeRoom`: it does not want any now. */
export interface Waiting {
  makeRoom(): boolean;
}

/** Those that have more to take, in the order in which they came: room goes to who has waited for longest. */
export class RoomQueue {
  readonly #demand: Demand;
  readonly #waiting = new Set<Waiting>();

  constructor(demand: Demand) {
    this.#demand = demand;
  }

  wait(one: Waiting): void {
    this.#waiting.add(one);
    this.next();
  }

  leave(one: Waiting): void {
    this.#waiting.delete(one);
  }

  /** There may be room: some was given back, or a message is over. Who takes calls this again when it has. */
  next(): void {
    if (this.#waiting.size === 0 || this.#demand.room === 0) return;
    for (const one of this.#waiting) {
      this.#waiting.delete(one);
      if (one.makeRoom()) return;
    }
  }
}
