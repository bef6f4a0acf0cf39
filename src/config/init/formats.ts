import { addToJson } from "./add-json.js";
import { starter } from "./examples.js";
import { missingOptions } from "./missing.js";
import { newFile, type Style } from "./write.js";

export type Format = "yaml" | "json" | "ts";

export const FORMATS: readonly Format[] = ["yaml", "json", "ts"];

const PAGE = "docs/configuration.md of opinionated-events says more.";

const yaml: Style = {
  comment: "#",
  open: (key) => `${key}:`,
  leaf: (key, json) => `${key}: ${json}`,
};

const typescript: Style = {
  comment: "//",
  open: (key) => `${/^\w+$/.test(key) ? key : JSON.stringify(key)}: {`,
  close: "},",
  leaf: (key, json) => `${key}: ${json},`,
};

/** The text of a new file. */
export function newFileText(format: Format): string {
  if (format === "json") return addToJson(JSON.stringify(starter), missingOptions(starter));
  if (format === "yaml")
    return [`# \${NAME} stands for an environment variable. ${PAGE}`, ...newFile(yaml), ""].join(
      "\n",
    );
  return [
    'import { defineConfig } from "opinionated-events/config";',
    "",
    `// "\${NAME}" stands for an environment variable. ${PAGE}`,
    "export default defineConfig({",
    ...newFile(typescript)
      .slice(1)
      .map((line) => (line ? `  ${line}` : line)),
    "});",
    "",
  ].join("\n");
}
