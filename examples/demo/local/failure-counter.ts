import type { DeliverOptions, Destination, Message } from "opinionated-events";

/** Another destination, with its failed calls counted. */
export class FailureCounter implements Destination {
  readonly name: string;
  /** Resolves at the first failed call. */
  readonly firstFailure: Promise<void>;
  failures = 0;
  readonly #destination: Destination;
  #failed: () => void = () => {};

  constructor(destination: Destination) {
    this.name = destination.name;
    this.#destination = destination;
    this.firstFailure = new Promise((resolve) => {
      this.#failed = resolve;
    });
  }

  async deliver(batch: readonly Message[], options: DeliverOptions) {
    try {
      return await this.#destination.deliver(batch, options);
    } catch (error) {
      this.failures++;
      this.#failed();
      throw error;
    }
  }
}
