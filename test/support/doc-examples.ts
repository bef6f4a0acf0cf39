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

  /** What the compiler says of all of them, strictly; empty if nothing. */
  async compile(): Promise<string> {
    const config = { extends: resolve("tsconfig.json"), include: ["*.ts"] };
    await writeFile(join(this.folder, "tsconfig.json"), JSON.stringify(config));
    const { status, stdout } = spawnSync("npx", ["tsc", "-p", this.folder], { encoding: "utf8" });
    return status === 0 ? stdout : `exit ${status}: ${stdout}`;
  }

  remove(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }
}
