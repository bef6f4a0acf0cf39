import type pg from "pg";
import type { Child } from "./children.js";
import { countActive, countInFlight } from "./state.js";
import type { Fault } from "./tally.js";
import { until } from "./until.js";

export interface FaultOptions {
  /** Stand still meanwhile, so that what is counted stays true. */
  readonly frozen?: readonly Child[];
  /** Counts what is in flight before the fault; default: messages under lease. */
  readonly inFlight?: () => number | Promise<number>;
}

/** Injects faults, each while messages are in flight, and remembers them. */
export class Faults {
  readonly all: Fault[] = [];
  readonly #pool: pg.Pool;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  /** What can be lost to a fault is what is in flight before it, or what is after it: an answer may be lost. */
  async inject(work: () => Promise<unknown>, options: FaultOptions = {}): Promise<void> {
    const { frozen = [] } = options;
    const before = await this.#whileInFlight(options);
    const at = Date.now();
    try {
      await work();
      this.all.push({ at, inFlight: Math.max(before, await this.#countAfter()) });
    } finally {
      for (const child of frozen) child.thaw();
    }
  }

  /** A fault that nobody had to inject. */
  async happened(): Promise<void> {
    const at = Date.now();
    this.all.push({ at, inFlight: await this.#countAfter() });
  }

  async #whileInFlight({ frozen = [], inFlight }: FaultOptions): Promise<number> {
    let count = 0;
    await until("messages are in flight", async () => {
      await this.#freeze(frozen);
      count = await (inFlight?.() ?? countInFlight(this.#pool));
      if (count === 0) for (const child of frozen) child.thaw();
      return count > 0;
    });
    return count;
  }

  /** Also until the server is done with what they have asked for. */
  async #freeze(children: readonly Child[]): Promise<void> {
    if (children.length === 0) return;
    for (const child of children) child.freeze();
    const names = children.map(({ name }) => name);
    await until("the frozen are quiet", async () => (await countActive(this.#pool, names)) === 0);
  }

  /** The server may just be coming back. */
  async #countAfter(): Promise<number> {
    let count = 0;
    await until("the server answers", async () => {
      count = await countInFlight(this.#pool);
      return true;
    });
    return count;
  }
}
