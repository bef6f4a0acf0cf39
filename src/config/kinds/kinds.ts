import { EventsError } from "../../message/errors.js";
import type { Kind, KindName } from "./kind.js";

/** Loaded when a file has them: what a kind needs may not be installed. */
const loaders: { readonly [K in KindName]: () => Promise<{ readonly kind: Kind<K> }> } = {
  postgres: () => import("./postgres.js"),
  kafka: () => import("./kafka.js"),
  http: () => import("./http.js"),
  memory: () => import("./memory.js"),
  stdout: () => import("./stdout.js"),
};

/** Throws `PACKAGE_MISSING` if the kind needs a package that is not installed. */
export async function loadKind(name: KindName): Promise<Kind<KindName>> {
  try {
    const { kind } = await loaders[name]();
    return kind as Kind<KindName>;
  } catch (error) {
    const missing = missingPackage(error);
    if (missing === undefined) throw error;
    const text = `The kind ${name} of the configuration needs the package ${missing}: run "npm install ${missing}".`;
    throw new EventsError("PACKAGE_MISSING", text, { cause: error });
  }
}

function missingPackage(error: unknown): string | undefined {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (code !== "ERR_MODULE_NOT_FOUND") return undefined;
  return /^Cannot find package '([^']+)'/.exec(String(message))?.[1];
}
