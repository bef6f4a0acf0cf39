import { access } from "node:fs/promises";
import { join, resolve } from "node:path";
import { EventsError } from "../message/errors.js";

const EXTENSIONS = ["ts", "js", "mjs", "yaml", "yml", "json"] as const;
export type Extension = (typeof EXTENSIONS)[number];

export const BASE_NAME = "opinionated-events.config";

export interface ConfigFile {
  /** An absolute path. */
  readonly path: string;
  readonly extension: Extension;
}

export interface Place {
  /** The file itself. Default: the one in the folder whose name is `opinionated-events.config` with a known extension. */
  readonly file?: string | undefined;
  /** Where it is looked for, and what a relative path is relative to. Default: the working folder. */
  readonly folder?: string | undefined;
}

/** Undefined if there is none. Throws `INVALID_CONFIG` if there are several, or if nobody knows the format. */
export async function findConfigFile({
  file,
  folder = ".",
}: Place): Promise<ConfigFile | undefined> {
  if (file !== undefined) {
    const path = resolve(folder, file);
    return (await exists(path)) ? { path, extension: extensionOf(path) } : undefined;
  }
  const candidates = EXTENSIONS.map((extension) => ({
    path: resolve(join(folder, `${BASE_NAME}.${extension}`)),
    extension,
  }));
  const there = await Promise.all(candidates.map(({ path }) => exists(path)));
  const [found, second] = candidates.filter((_, index) => there[index]);
  if (!found || !second) return found;
  const text = `There are both ${found.path} and ${second.path}: keep one, or name the one that is meant.`;
  throw new EventsError("INVALID_CONFIG", text);
}

/** As `findConfigFile`, but throws `CONFIG_MISSING` if there is none. */
export async function configFile(place: Place): Promise<ConfigFile> {
  const found = await findConfigFile(place);
  if (found) return found;
  const { file, folder = "." } = place;
  const missing = file === undefined ? join(folder, `${BASE_NAME}.yaml`) : resolve(folder, file);
  const text = `There is no configuration file ${missing}: run "npx opinionated-events config init", or give the file's name.`;
  throw new EventsError("CONFIG_MISSING", text);
}

export function extensionOf(path: string): Extension {
  const extension = EXTENSIONS.find((known) => path.endsWith(`.${known}`));
  if (extension) return extension;
  const text = `The format of ${path} is not known: its name must end in .${EXTENSIONS.join(", .")}.`;
  throw new EventsError("INVALID_CONFIG", text);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
