/** A configuration file, and what it names. Needs the packages of the kinds that the file has: `pg`, `pg-listen`. */
export type { Events, RelayListeners } from "./config/events.js";
export { defineConfig, type LoadOptions, loadConfig } from "./config/load.js";
export type { ConfigInput } from "./config/schema/schema.js";
