import { createEvents, type Events } from "./events.js";
import { configFile, type Place } from "./file.js";
import type { Kind, KindName } from "./kinds/kind.js";
import { loadKind } from "./kinds/kinds.js";
import { readConfigFile } from "./read.js";
import type { Config, ConfigInput } from "./schema/schema.js";
import { validate } from "./validate.js";

export interface LoadOptions extends Place {
  /** Default: `process.env`. */
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * What a configuration file names: `opinionated-events.config` with the extension ts, js, mjs, yaml, yml or json. Connects to
 * nothing. Rejects with `CONFIG_MISSING`, with `INVALID_CONFIG` and all that is wrong, with `PACKAGE_MISSING` where a kind needs
 * a package that is not installed.
 *
 * @example const events = await loadConfig();
 * const publisher = events.publisher("orders");
 */
export async function loadConfig(options: LoadOptions = {}): Promise<Events> {
  const config = await readConfig(options);
  return createEvents(config, await loadKinds(config));
}

/** The options that stand in the file, with the variables put in and the defaults added. */
export async function readConfig({ env = process.env, ...place }: LoadOptions): Promise<Config> {
  const file = await configFile(place);
  return validate(file.path, await readConfigFile(file), env);
}

/** The kinds that the configuration has. */
export async function loadKinds({
  destinations,
  sources,
}: Config): Promise<ReadonlyMap<KindName, Kind<KindName>>> {
  const entries = [...Object.values(destinations), ...Object.values(sources)];
  const names = [...new Set(entries.map(({ kind }) => kind))];
  return new Map(
    await Promise.all(names.map(async (name) => [name, await loadKind(name)] as const)),
  );
}

/** Checks the types of a configuration in TypeScript: `export default defineConfig({ ... })`. */
export function defineConfig(config: ConfigInput): ConfigInput {
  return config;
}
