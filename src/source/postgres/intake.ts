import { Loop } from "../loop.js";
import type { Demand } from "./demand.js";
import type { Pressure } from "./pressure.js";
import { Rate } from "./rate.js";
import type { RoomQueue } from "./room-queue.js";

/**
 * Under pressure an intake that has taken all there was looks again by itself, so that publishers need not notify. Of fewer
 * messages a second than this it hears by a poll.
 */
const GATHERED_PER_SECOND = 50;
/** It lets some gather for so long, in ms, the longer the more come: a claim costs what many messages do. */
const [MIN_WAIT_MS, MAX_WAIT_MS] = [2, 20];
/** The rate at which it waits for longest. With its square, so that moderate ones are not made to wait. */
const MAX_WAIT_PER_SECOND = 2_800;

export interface Taken {
  readonly count: number;
  /** In the log, of the newest. */
  readonly position?: string | undefined;
  /** What was still there after that: "blocked" if it has to wait for what was taken before. */
  readonly left: "none" | "some" | "blocked";
}

export interface IntakeOptions {
  readonly demand: Demand;
  readonly room: RoomQueue;
  /** Of all intakes of the process. */
  readonly pressure: Pressure;
  /** Takes at most so many, and hands them on. */
  readonly take: (limit: number) => Promise<Taken>;
  readonly onIdle: () => void;
  readonly onError: (error: unknown) => void;
}

/** Takes work from one place as long as there is some and there is room for it; then it is idle until it is woken. */
export class Intake {
  readonly #options: IntakeOptions;
  readonly #loop: Loop;
  readonly #rate = new Rate();
  #state: "idle" | "blocked" | "full" | "taking" = "idle";
  /** Woken since the last take began. */
  #woken = false;
  /** It looks again soon, whoever wakes it. */
  #gathering = false;

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#loop = new Loop(() => this.#takeAll(), options.onError);
    this.#loop.start();
  }

  /** Nothing is there that can be taken now. */
  get isIdle(): boolean {
    return this.#state === "idle" || this.#state === "blocked";
  }

  /** There may be work. */
  wake(): void {
    this.#woken = true;
    this.#state = "taking";
    if (!this.#gathering) this.#loop.wake();
  }

  /** It is its turn, and there is room. False if it does not wait for that. */
  makeRoom(): boolean {
    if (this.#state !== "full") return false;
    this.wake();
    return true;
  }

  /** What blocks it, or is about to, may be over. */
  unblock(): void {
    if (this.#state === "blocked" || this.#state === "taking") this.wake();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  async #takeAll(): Promise<number | undefined> {
    this.#gathering = false;
    while (this.#state === "taking" && !this.#loop.stopped) {
      this.#woken = false;
      const { demand, pressure } = this.#options;
      const { room } = demand;
      if (room === 0) return this.#wait();
      const { count, left, position } = await this.#take(room);
      this.#rate.add(count);
      if (position !== undefined) pressure.saw(Number(position));
      if (count === room) return this.#wait();
      const { perSecond } = this.#rate;
      if (pressure.isHigh && perSecond >= GATHERED_PER_SECOND) return this.#gather(perSecond);
      if (left === "some") return this.#wait();
      if (!this.#woken) this.#rest(left === "blocked" ? "blocked" : "idle");
    }
    return undefined;
  }

  async #take(room: number): Promise<Taken> {
    const { demand, take } = this.#options;
    demand.reserve(room);
    try {
      return await take(room);
    } finally {
      demand.reserve(-room);
      this.#options.room.next();
    }
  }

  /** Others may have waited for longer. */
  #wait(): undefined {
    this.#state = "full";
    this.#options.room.wait(this);
  }

  #gather(perSecond: number): number {
    this.#gathering = true;
    const oneMs = 1_000 / perSecond;
    const waitMs = MAX_WAIT_MS * (perSecond / MAX_WAIT_PER_SECOND) ** 2;
    return Math.min(Math.max(waitMs, oneMs, MIN_WAIT_MS), MAX_WAIT_MS);
  }

  #rest(state: "blocked" | "idle"): void {
    this.#state = state;
    this.#options.onIdle();
  }
}
