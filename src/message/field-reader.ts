import { EventsError } from "./errors.js";

/** Reads the fields of one envelope; throws `INVALID_ENVELOPE` with the place of what can't be read. */
export class FieldReader {
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #place: string;

  constructor(value: unknown, place: string) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw new EventsError("INVALID_ENVELOPE", `${place} is not an object.`);
    }
    this.#fields = value as Readonly<Record<string, unknown>>;
    this.#place = place;
  }

  has(field: string): boolean {
    return this.#fields[field] !== undefined;
  }

  object(field: string): FieldReader {
    return new FieldReader(this.#fields[field], `${this.#place}.${field}`);
  }

  required<T>(field: string, read: (value: unknown) => T): T {
    if (this.has(field)) return this.#read(field, read);
    throw new EventsError("INVALID_ENVELOPE", `${this.#place}.${field} is missing.`);
  }

  optional<T>(field: string, read: (value: unknown) => T): T | undefined {
    return this.has(field) ? this.#read(field, read) : undefined;
  }

  #read<T>(field: string, read: (value: unknown) => T): T {
    try {
      return read(this.#fields[field]);
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      const text = `${this.#place}.${field} can't be read. ${problem}`;
      throw new EventsError("INVALID_ENVELOPE", text, { cause: error });
    }
  }
}
