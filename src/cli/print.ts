/** A line for the user. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
