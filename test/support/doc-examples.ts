import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { onTestFinished } from "vitest";

const MARKED_BLOCK = /<!-- run: (\S+) -->\n```ts\n(.*?)```/gs;

export interface Example {
  readonly child: ChildProcess;
  /** What it printed so far, errors included. */
  output(): string;
  readonly exit: Promise<unknown[]>;
}

/** The marked blocks of a page, each written to a file of its own inside the project, so that it finds its packages. */
export class DocExamples {
  private constructor(readonly folder: string) {}

  /** `port` takes the place of 8080. */
  static async of(page: string, port?: number): Promise<DocExamples> {
    await mkdir(".cache", { recursive: true });
    const folder = await mkdtemp(resolve(".cache/examples-"));
    await writeFile(join(folder, "package.json"), '{ "type": "module" }');
    const text = await readFile(page, "utf8");
    for (const [, name, code] of text.matchAll(MARKED_BLOCK)) {
      const ported = port === undefined ? `${code}` : `${code}`.replaceAll("8080", String(port));
      await writeFile(join(folder, `${name}.ts`), ported);
    }
    return new DocExamples(folder);
  }

  /** Starts one; the test's end ends it. */
  run(name: string, env: NodeJS.ProcessEnv = {}, ...options: string[]): Example {
    const args = ["--import", "tsx", ...options, join(this.folder, `${name}.ts`)];
    const child = spawn(process.execPath, args, { env: { ...process.env, ...env } });
    const chunks: string[] = [];
    child.stdout.on("data", (chunk) => chunks.push(String(chunk)));
    child.stderr.on("data", (chunk) => chunks.push(String(chunk)));
    const exit = once(child, "close");
    onTestFinished(async () => {
      child.kill("SIGKILL");
      await exit;
    });
    return { child, output: () => chunks.join(""), exit };
  }

  remove(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }
}

/** What the compiler says of the examples of all these pages, strictly; empty if nothing. */
export async function compile(pages: readonly string[]): Promise<string> {
  const all = await Promise.all(pages.map((page) => DocExamples.of(page)));
  const folder = await mkdtemp(resolve(".cache/examples-"));
  try {
    const include = all.map((examples) => join(examples.folder, "*.ts"));
    const config = JSON.stringify({ extends: resolve("tsconfig.json"), include });
    await writeFile(join(folder, "tsconfig.json"), config);
    const { status, stdout } = spawnSync("npx", ["tsc", "-p", folder], { encoding: "utf8" });
    return status === 0 ? stdout : `exit ${status}: ${stdout}`;
  } finally {
    await Promise.all(all.map((examples) => examples.remove()));
    await rm(folder, { recursive: true, force: true });
  }
}
