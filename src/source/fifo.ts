/** A first-in, first-out list whose operations take constant time, however long it is. */
export class Fifo<T> {
  #items: T[] = [];
  #head = 0;

  get size(): number {
    return this.#items.length - this.#head;
  }

  /** The oldest item, undefined if there is none. */
  get first(): T | undefined {
    return this.#items[this.#head];
  }

  push(item: T): void {
    this.#items.push(item);
  }

  /** The oldest item. Only to be called while `size` is above 0. */
  shift(): T {
    const item = this.#items[this.#head] as T;
    this.#head += 1;
    this.#compact();
    return item;
  }

  /** Takes everything out. */
  drain(): T[] {
    const items = this.#items.slice(this.#head);
    this.#items = [];
    this.#head = 0;
    return items;
  }

  #compact(): void {
    const { length } = this.#items;
    if (this.#head === length) this.#items.length = 0;
    else if (this.#head >= 1_024 && this.#head * 2 >= length) this.#items.splice(0, this.#head);
    else return;
    this.#head = 0;
  }
}
