import { readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { EventsError } from "../../message/errors.js";
import {
  BASE_NAME,
  type ConfigFile,
  type Extension,
  extensionOf,
  findConfigFile,
  type Place,
} from "../file.js";
import { invalidConfig } from "../problem.js";
import { readConfigFile } from "../read.js";
import { isRecord } from "../schema/describe.js";
import { addToJson } from "./add-json.js";
import { addToYaml } from "./add-yaml.js";
import { FORMATS, type Format, newFileText } from "./formats.js";
import { type Addition, missingOptions } from "./missing.js";

export interface InitOptions extends Place {
  /** Of a new file. Default: that of the file's name, else yaml. */
  readonly format?: string | undefined;
}

export interface InitResult {
  readonly path: string;
  /** What was missing in a file that was there. */
  readonly missing: readonly Addition[];
  /** `left` says that it is a program: its author has to write what is missing. */
  readonly outcome: "created" | "completed" | "left";
}

/**
 * Writes a new configuration file with every option, or adds to the one that is there the options that are missing.
 * Rejects with `INVALID_OPTIONS`, and with `INVALID_CONFIG` where the file can't be read.
 */
export async function initConfig(options: InitOptions): Promise<InitResult> {
  const { format } = options;
  const known = FORMATS.find((each) => each === format);
  if (format !== undefined && !known)
    throw new EventsError("INVALID_OPTIONS", `The format is one of ${FORMATS.join(", ")}.`);
  const file = await findConfigFile(options);
  if (!file) return create(options, known);
  if (known && formatOf(file.extension) !== known) {
    const text = `There is ${file.path} already, in another format: remove it, or leave the format out.`;
    throw new EventsError("INVALID_OPTIONS", text);
  }
  return complete(file);
}

async function create({ file, folder = "." }: Place, wanted?: Format): Promise<InitResult> {
  const format = wanted ?? (file === undefined ? "yaml" : formatOf(extensionOf(file)));
  const path = resolve(folder, file ?? join(folder, `${BASE_NAME}.${format}`));
  if (!format || formatOf(extensionOf(path)) !== format)
    throw new EventsError(
      "INVALID_OPTIONS",
      `${path} is no file of the format ${wanted ?? "ts, json or yaml"}.`,
    );
  await writeFile(path, newFileText(format), { flag: "wx" });
  return { path, missing: [], outcome: "created" };
}

async function complete(file: ConfigFile): Promise<InitResult> {
  const { path, extension } = file;
  const raw = (await readConfigFile(file)) ?? {};
  if (!isRecord(raw)) throw invalidConfig(path, [{ path: [], text: "expected an object" }]);
  const missing = missingOptions(raw);
  const format = formatOf(extension);
  if (format !== "yaml" && format !== "json") return { path, missing, outcome: "left" };
  if (missing.length > 0) {
    const text = await readFile(path, "utf8");
    await writeFile(path, format === "yaml" ? addToYaml(text, missing) : addToJson(text, missing));
  }
  return { path, missing, outcome: "completed" };
}

/** Undefined for plain JavaScript, which is read and never written. */
function formatOf(extension: Extension): Format | undefined {
  if (extension === "yml") return "yaml";
  return FORMATS.find((format) => format === extension);
}
