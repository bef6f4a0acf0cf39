import { EventsError } from "../message/errors.js";
import { known } from "./problem.js";

/** Things of one sort, made of their entries in the configuration when they are asked for, once. */
export class Named<C, T> {
  readonly #sort: string;
  readonly #entries: Readonly<Record<string, C>>;
  readonly #make: (entry: C) => T;
  readonly #made = new Map<string, T>();

  constructor(sort: string, entries: Readonly<Record<string, C>>, make: (entry: C) => T) {
    this.#sort = sort;
    this.#entries = entries;
    this.#make = make;
  }

  /** Throws `UNKNOWN_NAME` if there is none, or if no name is given: then there is no default. */
  get(name: string | undefined): T {
    const there = known(Object.keys(this.#entries));
    if (name === undefined) {
      const text = `The configuration has no default ${this.#sort}: set defaults.${this.#sort}, or give a name; ${there}.`;
      throw new EventsError("UNKNOWN_NAME", text);
    }
    if (!Object.hasOwn(this.#entries, name)) {
      const text = `The configuration has no ${this.#sort} ${JSON.stringify(name)}: ${there}.`;
      throw new EventsError("UNKNOWN_NAME", text);
    }
    const made = this.#made.get(name) ?? this.#make(this.#entries[name] as C);
    this.#made.set(name, made);
    return made;
  }

  get made(): readonly T[] {
    return [...this.#made.values()];
  }
}
