import { relative } from "node:path";
import { defineCommand } from "citty";
import { initConfig } from "../config/init/init.js";
import { readConfig } from "../config/load.js";
import { type Checked, checkConnections } from "../config/verify.js";
import { command, secondsToMs } from "./command.js";
import { print } from "./print.js";

const init = command({
  meta: {
    name: "init",
    description:
      "Write a configuration file with every option, or add what is missing to the one that is there",
  },
  args: {
    format: { type: "string", description: "yaml (the default), json or ts", valueHint: "format" },
  },
  async run({ config: file, format }) {
    const { path, missing, outcome } = await initConfig({ file, format });
    const shown = relative("", path);
    if (outcome === "created") return print(`${shown} is written.`);
    if (missing.length === 0) return print(`${shown} has every option; nothing was changed.`);
    const lines = missing.map((each) => `  ${each.path.join(".")}: ${JSON.stringify(each.value)}`);
    if (outcome === "completed") return print(`Added to ${shown}:\n${lines.join("\n")}`);
    print(
      `${shown} is a program, and was left alone. It doesn't say these, whose defaults are:\n${lines.join("\n")}`,
    );
    process.exitCode = 1;
  },
});

const verify = command({
  meta: { name: "verify", description: "Check the configuration file" },
  args: {
    connect: { type: "boolean", description: "Connect to everything that it names" },
    timeout: {
      type: "string",
      default: "5",
      description: "How long a connection may take",
      valueHint: "seconds",
    },
  },
  async run({ config: file, connect, timeout }) {
    const timeoutMs = secondsToMs("--timeout", timeout, 1);
    const config = await readConfig({ file });
    print("The configuration is valid.");
    if (!connect) return;
    const checked = await checkConnections(config, timeoutMs);
    for (const each of checked) print(lineOf(each));
    const failed = checked.filter(({ outcome }) => outcome === "failed").length;
    if (failed === 0) return;
    print(`${failed} of ${checked.length} failed.`);
    process.exitCode = 1;
  },
});

function lineOf({ sort, name, kind, outcome, problem }: Checked): string {
  const what = `${sort} ${name} (${kind})`;
  if (outcome === "failed") return `failed  ${what}: ${problem}`;
  return outcome === "ok" ? `ok      ${what}` : `-       ${what}: nothing to connect to`;
}

export const configCommand = defineCommand({
  meta: { name: "config", description: "Write and check the configuration file" },
  subCommands: { init, verify },
});
