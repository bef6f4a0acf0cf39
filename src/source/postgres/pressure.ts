import { Rate } from "./rate.js";

/**
 * NOTIFY makes commits wait for each other's flush to the disk. It is worth its speed while messages take no more than this
 * share of the time that one flush after the other leaves room for.
 */
const NOTIFIED_SHARE = 0.6;
/** What a commit is taken to last, in ms, until one was seen. */
const UNKNOWN_MS = 6;
/** The share of a slower commit in what one is taken to last: a slow one tells of load, not of the disk. */
const WEIGHT = 0.02;

/**
 * How many messages are published, and whether that were possible if each publish notified. By their positions, which count what
 * all publishers of the database send: however many processes and queues share it, each sees the whole.
 */
export class Pressure {
  readonly #rate = new Rate();
  #position: number | undefined;
  #commitMs: number | undefined;

  /** A message of this position was taken from the log. */
  saw(position: number): void {
    const before = this.#position ?? position;
    this.#position = Math.max(before, position);
    this.#rate.add(this.#position - before);
  }

  /** A statement was sent and has committed, in ms there and back. */
  committed(ms: number): void {
    const known = this.#commitMs ?? ms;
    this.#commitMs = Math.min(ms, known + (ms - known) * WEIGHT);
  }

  /** So many come that publishers should not be asked to notify. */
  get isHigh(): boolean {
    return this.#rate.perSecond * (this.#commitMs ?? UNKNOWN_MS) >= NOTIFIED_SHARE * 1_000;
  }
}
