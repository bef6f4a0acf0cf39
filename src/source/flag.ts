/** Wakes one waiting loop. A raise while nobody waits is kept for the next wait. */
export class Flag {
  #raised = false;
  #wake: (() => void) | undefined;

  raise(): void {
    this.#raised = true;
    this.#wake?.();
  }

  /** Resolves with true once raised, or with false after `ms`; lowers the flag. */
  async wait(ms?: number): Promise<boolean> {
    if (!this.#raised) await this.#sleep(ms);
    const raised = this.#raised;
    this.#raised = false;
    return raised;
  }

  #sleep(ms: number | undefined): Promise<void> {
    return new Promise((resolve) => {
      const timer = ms === undefined ? undefined : setTimeout(resolve, Math.ceil(ms));
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
    });
  }
}
