import { readConfig } from "../config/load.js";
import { migrateSchemas } from "../config/migrate.js";
import { command } from "./command.js";
import { print } from "./print.js";

export const migrateCommand = command({
  meta: {
    name: "migrate",
    description: "Bring every PostgreSQL schema that the configuration names up to date",
  },
  async run({ config: file }) {
    for await (const { schema, names, applied } of migrateSchemas(await readConfig({ file }))) {
      const done = applied.length === 0 ? "is up to date" : `has got ${applied.join(", ")}`;
      print(`The schema ${schema} of ${names.join(", ")} ${done}.`);
    }
  },
});
