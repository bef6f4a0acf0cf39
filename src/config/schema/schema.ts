import { z } from "zod";
import { destination } from "./destinations.js";
import { publisher } from "./publishers.js";
import { relay } from "./relays.js";
import { source } from "./sources.js";
import { reference } from "./values.js";

const defaults = z.strictObject({
  publisher: reference.optional().describe("The publisher that is meant where no name is given."),
  source: reference.optional().describe("The source that is meant where no name is given."),
});

const named = <T extends z.ZodType>(of: T) => z.record(z.string().min(1), of).default({});

/** The names, types, defaults and descriptions of all that a configuration file can say. */
export const schema = z.strictObject({
  defaults: defaults.default({}).describe("What is meant where no name is given."),
  publishers: named(publisher).describe("Publishers, by name."),
  destinations: named(destination).describe("Destinations, by name."),
  sources: named(source).describe("Sources, by name."),
  relays: named(relay).describe("Relays, by name: from a source to a destination."),
});

/** What stands in a file. */
export type ConfigInput = z.input<typeof schema>;

/** With the defaults. */
export type Config = z.output<typeof schema>;
