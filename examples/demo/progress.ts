const WIDTH = 24;

/** A line that is drawn again and again on a terminal; elsewhere a line for each tenth of the way. */
export class Progress {
  readonly #out: NodeJS.WriteStream;
  #tenths = -1;

  constructor(out: NodeJS.WriteStream = process.stdout) {
    this.#out = out;
  }

  /** `share` runs from 0 to 1. */
  update(share: number, text: string): void {
    const line = `[${bar(share)}] ${String(Math.floor(share * 100)).padStart(3)} %  ${text}`;
    if (this.#out.isTTY) this.#out.write(`\r\x1b[2K${line.slice(0, this.#out.columns - 1)}`);
    else this.#line(share, line);
  }

  /** Writes a line of its own, above the bar. */
  note(text: string): void {
    this.#out.write(this.#out.isTTY ? `\r\x1b[2K${text}\n` : `${text}\n`);
  }

  end(): void {
    if (this.#out.isTTY) this.#out.write("\n");
  }

  #line(share: number, line: string): void {
    const tenths = Math.floor(share * 10);
    if (tenths <= this.#tenths) return;
    this.#tenths = tenths;
    this.#out.write(`${line}\n`);
  }
}

function bar(share: number): string {
  return "#".repeat(Math.floor(share * WIDTH)).padEnd(WIDTH, ".");
}
