import { EventsError } from "../message/errors.js";
import { isPattern, matches } from "../message/name.js";

/** What the names and patterns of one queue lead to. A name beats a pattern, a longer pattern a shorter. */
export class Routes<T> {
  readonly #names = new Map<string, T>();
  readonly #patterns: { readonly pattern: string; readonly target: T }[] = [];

  /** Throws `DUPLICATE_HANDLER` if the same name or pattern is there already. */
  add(pattern: string, target: T): void {
    if (this.patterns().includes(pattern)) {
      throw new EventsError(
        "DUPLICATE_HANDLER",
        `${pattern} has a handler in this queue already; use another queue for a second one.`,
      );
    }
    if (!isPattern(pattern)) this.#names.set(pattern, target);
    else {
      this.#patterns.push({ pattern, target });
      this.#patterns.sort((a, b) => b.pattern.length - a.pattern.length);
    }
  }

  find(name: string): T | undefined {
    return this.#names.get(name) ?? this.#patterns.find((p) => matches(p.pattern, name))?.target;
  }

  /** The names and patterns that were added. */
  patterns(): string[] {
    return [...this.#names.keys(), ...this.#patterns.map((p) => p.pattern)];
  }

  /** The same routes with other targets. */
  map<U>(change: (target: T) => U): Routes<U> {
    const changed = new Routes<U>();
    for (const [name, target] of this.#names) changed.#names.set(name, change(target));
    for (const { pattern, target } of this.#patterns) {
      changed.#patterns.push({ pattern, target: change(target) });
    }
    return changed;
  }
}
