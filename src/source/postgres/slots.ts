import { Fifo } from "../fifo.js";

/** Lets so many work at once; the others wait, first come, first served. */
export class Slots {
  #free: number;
  readonly #waiting = new Fifo<() => void>();

  constructor(count: number) {
    this.#free = count;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      this.#release();
    }
  }

  #release(): void {
    if (this.#waiting.size > 0) this.#waiting.shift()();
    else this.#free += 1;
  }
}
