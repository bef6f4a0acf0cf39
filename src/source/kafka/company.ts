/**
 * Messages run beside each other, but one that may end the process runs alone: whoever ran beside it would share its blame.
 * Those that come later wait for it.
 */
export class Company {
  #together = 0;
  #isAlone = false;
  /** Who waits to run alone, in their order. */
  readonly #loners: (() => void)[] = [];
  #others: (() => void)[] = [];

  /** Runs `work` beside others, once nobody runs alone or waits for that. */
  async together(work: () => Promise<void>): Promise<void> {
    while (this.#isAlone || this.#loners.length > 0) {
      await new Promise<void>((resolve) => this.#others.push(resolve));
    }
    this.#together += 1;
    try {
      await work();
    } finally {
      this.#together -= 1;
      this.#next();
    }
  }

  /** Runs `work` once nobody else runs. */
  async alone(work: () => Promise<void>): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#loners.push(resolve);
      this.#next();
    });
    try {
      await work();
    } finally {
      this.#isAlone = false;
      this.#next();
    }
  }

  #next(): void {
    if (this.#isAlone || this.#together > 0) return;
    const loner = this.#loners.shift();
    if (loner) {
      this.#isAlone = true;
      loner();
      return;
    }
    for (const other of this.#others.splice(0)) other();
  }
}
