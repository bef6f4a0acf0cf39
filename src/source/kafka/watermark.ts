import { Fifo } from "../fifo.js";

/** A record's place in its partition, from the time it was read until it is finished. */
export interface Place {
  readonly offset: number;
  isFinished: boolean;
}

/**
 * Up to where a partition is finished without a gap: what is committed never passes a record that isn't. Offsets may leave
 * out numbers, as compaction and transactions do.
 */
export class Watermark {
  /** In the order of their offsets; the first one is not finished. */
  readonly #places = new Fifo<Place>();
  #next: number;
  #open = 0;

  /** `start` is the offset that is to be read first. */
  constructor(start: number) {
    this.#next = start;
  }

  /** The offset that may be committed: everything below it is finished. */
  get position(): number {
    return this.#places.first?.offset ?? this.#next;
  }

  /** The offset that is to be read next. */
  get next(): number {
    return this.#next;
  }

  /** Records that were read and aren't finished. */
  get open(): number {
    return this.#open;
  }

  /** Records from the first that isn't finished on: so many at the most come again after a crash. */
  get ahead(): number {
    return this.#places.size;
  }

  /** Takes the next record in. Undefined if that was done already. */
  take(offset: number): Place | undefined {
    if (offset < this.#next) return undefined;
    const place = { offset, isFinished: false };
    this.#places.push(place);
    this.#next = offset + 1;
    this.#open += 1;
    return place;
  }

  finish(place: Place): void {
    if (place.isFinished) return;
    place.isFinished = true;
    this.#open -= 1;
    while (this.#places.first?.isFinished) this.#places.shift();
  }
}
