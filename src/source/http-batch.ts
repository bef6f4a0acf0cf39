import type { Message } from "../message/message.js";
import { type Result, resultOf } from "./http-answer.js";
import type { Outcome } from "./source.js";

/** The results of one request, in order. Calls back once there is one for each message. */
export class Batch {
  readonly #results: Result[] = [];
  readonly #onAll: (results: readonly Result[]) => void;
  #left: number;

  constructor(size: number, onAll: (results: readonly Result[]) => void) {
    this.#left = size;
    this.#onAll = onAll;
    if (size === 0) onAll([]);
  }

  settle(index: number, result: Result): void {
    this.#results[index] = result;
    this.#left -= 1;
    if (this.#left === 0) this.#onAll(this.#results);
  }
}

/** What so many queues make of one message of a batch: its result once each has said so. */
export class Verdict {
  readonly #batch: Batch;
  readonly #index: number;
  readonly #message: Message;
  readonly #outcomes: Outcome[] = [];
  #left: number;
  /** Every one was so before this request. */
  #again = true;

  constructor(batch: Batch, index: number, message: Message, queues: number) {
    this.#batch = batch;
    this.#index = index;
    this.#message = message;
    this.#left = queues;
  }

  settle(outcome: Outcome, again: boolean): void {
    this.#outcomes.push(outcome);
    this.#again &&= again;
    this.#left -= 1;
    if (this.#left > 0) return;
    this.#batch.settle(this.#index, resultOf(this.#message, this.#outcomes, this.#again));
  }
}
