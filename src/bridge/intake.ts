import { EventsError } from "../message/errors.js";
import type { Message } from "../message/message.js";
import type { DeliveryBuffer } from "./delivery-buffer.js";
import { drainedError } from "./drain.js";

interface IntakeOptions {
  readonly maxBuffered: number;
  readonly whenFull: "wait" | "reject";
}

interface Waiting {
  readonly messages: readonly Message[];
  readonly admitted: () => void;
  readonly refused: (error: EventsError) => void;
}

/** Lets messages into all buffers or none, in the order in which they came. */
export class Intake {
  readonly #buffers: readonly DeliveryBuffer[];
  readonly #options: IntakeOptions;
  #waiting: Waiting[] = [];

  constructor(buffers: readonly DeliveryBuffer[], options: IntakeOptions) {
    this.#buffers = buffers;
    this.#options = options;
  }

  /** Resolves once the messages are in all buffers. Throws `BUFFER_FULL`, and after a close `BRIDGE_DRAINED`. */
  async admit(messages: readonly Message[]): Promise<void> {
    const { maxBuffered, whenFull } = this.#options;
    if (messages.length > maxBuffered) throw tooMany(messages.length, maxBuffered);
    if (this.#waiting.length === 0 && this.#fits(messages)) return this.#push(messages);
    if (whenFull === "reject") throw full(maxBuffered);
    await new Promise<void>((admitted, refused) => {
      this.#waiting.push({ messages, admitted, refused });
    });
  }

  /** To be called when a buffer has got room. */
  admitWaiting(): void {
    for (let next = this.#waiting[0]; next && this.#fits(next.messages); next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#push(next.messages);
      next.admitted();
    }
  }

  /** Refuses all who wait. */
  close(): void {
    for (const { refused } of this.#waiting) refused(drainedError());
    this.#waiting = [];
  }

  #fits(messages: readonly Message[]): boolean {
    const max = this.#options.maxBuffered - messages.length;
    return this.#buffers.every((buffer) => buffer.size <= max);
  }

  #push(messages: readonly Message[]): void {
    for (const buffer of this.#buffers) buffer.push(messages);
  }
}

function full(maxBuffered: number): EventsError {
  const text = `A buffer is full (${maxBuffered} messages), because a destination is slow or down.`;
  return new EventsError("BUFFER_FULL", `${text} Publish later, or use whenFull: "wait".`);
}

function tooMany(count: number, maxBuffered: number): EventsError {
  const text = `${count} messages at once never fit a buffer of ${maxBuffered}.`;
  return new EventsError("BUFFER_FULL", `${text} Publish fewer at once, or raise maxBuffered.`);
}
