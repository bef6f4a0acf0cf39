import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { kafkaBrokers } from "./kafka.js";

const run = promisify(execFile);

/** What kcat prints of a record. */
export interface KcatRecord {
  readonly key: string | null;
  readonly payload: string | null;
  readonly headers: Readonly<Record<string, string>>;
}

/** False, with the reason printed, where it is not installed; in CI it has to be. */
export async function hasKcat(): Promise<boolean> {
  try {
    await run("kcat", ["-V"]);
    return true;
  } catch (cause) {
    if (process.env.CI) throw new Error("Install kcat: CI tests with it.", { cause });
    console.warn("Left out: tests with kcat, which is not installed (apt install kcat).");
    return false;
  }
}

/** All records of a topic, as kcat reads them. */
export async function kcatReads(topic: string): Promise<KcatRecord[]> {
  const args = ["-C", "-b", kafkaBrokers().join(","), "-t", topic, "-o", "beginning"];
  const { stdout } = await run("kcat", [...args, "-e", "-q", "-J"]);
  return stdout.split("\n").slice(0, -1).map(toRecord);
}

/** Writes one record. */
export async function kcatWrites(topic: string, { key, payload, headers }: KcatRecord) {
  const pairs = Object.entries(headers).flatMap(([name, value]) => ["-H", `${name}=${value}`]);
  const args = ["-P", "-b", kafkaBrokers().join(","), "-t", topic, ...pairs];
  const kcat = run("kcat", key === null ? args : [...args, "-k", key]);
  kcat.child.stdin?.end(payload);
  await kcat;
}

function toRecord(line: string): KcatRecord {
  const { key, payload, headers = [] } = JSON.parse(line);
  const pairs: [string, string][] = [];
  for (let n = 0; n < headers.length; n += 2) pairs.push([headers[n], headers[n + 1]]);
  return { key, payload, headers: Object.fromEntries(pairs) };
}
