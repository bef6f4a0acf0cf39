import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** A process that runs a file of bench/processes, takes orders and answers each. */
export class Child {
  readonly #process: ChildProcess;
  readonly #failed: Promise<never>;

  constructor(file: string, args: readonly string[]) {
    const path = fileURLToPath(new URL(`../processes/${file}.js`, import.meta.url));
    this.#process = fork(path, args);
    this.#failed = once(this.#process, "exit").then(([code]) => {
      throw new Error(`${file} ended with ${code}: this run is void.`);
    });
    this.#failed.catch(() => {});
  }

  /** Gives an order, and resolves with the answer. Rejects if the process ends. */
  async ask<T>(order: string): Promise<T> {
    this.#process.send(order);
    const [answer] = await Promise.race([once(this.#process, "message"), this.#failed]);
    return answer as T;
  }

  async end(): Promise<void> {
    this.#process.disconnect();
    await this.#failed.catch(() => {});
  }
}

/** In the child: answers orders by name, and ends the process when nobody gives any more. */
export function serve(orders: Readonly<Record<string, () => unknown>>): void {
  process.on("message", async (order: string) => {
    process.send?.((await orders[order]?.()) ?? null);
  });
  process.once("disconnect", () => process.exit());
}
