import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { onTestFinished } from "vitest";
import { inTree } from "./in-tree.js";
import { javascript } from "./tree.js";

const MARKED_BLOCK = /<!-- run: (\S+) -->\n```ts\n(.*?)```/gs;

export interface Example {
  readonly child: ChildProcess;
  /** What it printed so far, errors included. */
  output(): string;
  readonly exit: Promise<unknown[]>;
}

/** The marked blocks of a page, each as a file of its own in the run's tree, so that it finds its packages, and this one. */
export class DocExamples {
  private constructor(readonly folder: string) {}

  /** `port` takes the place of 8080. */
  static async of(page: string, port?: number): Promise<DocExamples> {
    const folder = await mkdtemp(inTree("examples-"));
    for (const [name, code] of await blocksOf(page)) {
      const ported = port === undefined ? code : code.replaceAll("8080", String(port));
      await writeFile(join(folder, `${name}.js`), await javascript(ported));
    }
    return new DocExamples(folder);
  }

  /** Starts one; the test's end ends it. */
  run(name: string, env: NodeJS.ProcessEnv = {}, ...options: string[]): Example {
    const args = [...options, join(this.folder, `${name}.js`)];
    const child = spawn(process.execPath, args, {
      cwd: this.folder,
      env: { ...process.env, ...env },
    });
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

async function blocksOf(page: string): Promise<[name: string, code: string][]> {
  const text = await readFile(page, "utf8");
  return [...text.matchAll(MARKED_BLOCK)].map(([, name, code]) => [`${name}`, `${code}`]);
}

/** What the compiler says of the examples of all these pages, strictly; empty if nothing. */
export async function compile(pages: readonly string[]): Promise<string> {
  await mkdir(".cache", { recursive: true });
  const folder = await mkdtemp(resolve(".cache/examples-"));
  try {
    for (const [n, page] of pages.entries())
      for (const [name, code] of await blocksOf(page))
        await writeFile(join(folder, `${n}-${name}.ts`), code);
    await writeFile(join(folder, "package.json"), '{ "type": "module" }');
    const config = { extends: resolve("tsconfig.json"), include: [join(folder, "*.ts")] };
    await writeFile(join(folder, "tsconfig.json"), JSON.stringify(config));
    const { status, stdout } = spawnSync("npx", ["tsc", "-p", folder], { encoding: "utf8" });
    return status === 0 ? stdout : `exit ${status}: ${stdout}`;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
