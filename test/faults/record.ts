import { openSync, readdirSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";

/**
 * What a process writes down as it goes, a line at a time, before it goes on: a line that is written survives the
 * process, whatever ends it.
 */
export class Recorder {
  readonly #file: number;

  constructor(path: string) {
    this.#file = openSync(path, "a");
  }

  write(line: unknown): void {
    writeSync(this.#file, `${JSON.stringify(line)}\n`);
  }
}

const CHUNK_BYTES = 1 << 20;

/** Reads what the recorders of a folder have written since the last look. */
export class Lines {
  readonly #folder: string;
  readonly #open = new Map<string, Tail>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Calls `each` with every new line of the files whose names end so, and the file's name. */
  read<T>(ending: string, each: (line: T, name: string) => void): void {
    for (const name of readdirSync(this.#folder).filter((file) => file.endsWith(ending))) {
      const tail = this.#open.get(name) ?? new Tail(join(this.#folder, name));
      this.#open.set(name, tail);
      tail.read((line) => each(JSON.parse(line) as T, name));
    }
  }
}

class Tail {
  readonly #file: number;
  readonly #chunk = Buffer.alloc(CHUNK_BYTES);
  /** A line whose end has not been read yet; all of it is ASCII. */
  #rest = "";

  constructor(path: string) {
    this.#file = openSync(path, "r");
  }

  read(each: (line: string) => void): void {
    for (let size = this.#next(); size > 0; size = this.#next()) {
      const lines = (this.#rest + this.#chunk.toString("latin1", 0, size)).split("\n");
      this.#rest = lines.pop() ?? "";
      for (const line of lines) each(line);
    }
  }

  #next(): number {
    return readSync(this.#file, this.#chunk, 0, CHUNK_BYTES, null);
  }
}
