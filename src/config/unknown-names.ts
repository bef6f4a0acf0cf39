import { known, type Problem } from "./problem.js";
import type { Config } from "./schema/schema.js";

/** A place that names something else in the file. */
interface Reference extends Pick<Problem, "path"> {
  readonly name: string;
  /** What is named, in words, and what there is of it. */
  readonly what: string;
  readonly there: readonly string[];
}

/** The places that name something that is not there. */
export function unknownNames(config: Config): readonly Problem[] {
  return references(config)
    .filter(({ name, there }) => !there.includes(name))
    .map(({ path, name, what, there }) => ({
      path,
      text: `there is no ${what} ${JSON.stringify(name)}: ${known(there)}`,
    }));
}

function references({ defaults, publishers, destinations, sources, relays }: Config) {
  const found: Reference[] = [];
  const among = (what: string, there: readonly string[]) => {
    return (name: string | undefined, ...path: PropertyKey[]) => {
      if (name !== undefined) found.push({ path, name, what, there });
    };
  };
  const publisher = among("publisher", Object.keys(publishers));
  const source = among("source", Object.keys(sources));
  const destination = among("destination", Object.keys(destinations));
  const inMemory = Object.keys(destinations).filter(
    (name) => destinations[name]?.kind === "memory",
  );
  const memory = among("destination of kind memory", inMemory);

  publisher(defaults.publisher, "defaults", "publisher");
  source(defaults.source, "defaults", "source");
  for (const [name, { destinations: all }] of Object.entries(publishers))
    for (const [n, each] of all.entries()) destination(each, "publishers", name, "destinations", n);
  for (const [name, each] of Object.entries(sources))
    if (each.kind === "memory") memory(each.destination, "sources", name, "destination");
  for (const [name, { from, to }] of Object.entries(relays)) {
    source(from, "relays", name, "from");
    destination(to, "relays", name, "to");
  }
  return found;
}
