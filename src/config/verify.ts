import { describeError } from "./describe-error.js";
import { hintOf } from "./hint.js";
import { loadKinds } from "./load.js";
import type { Config } from "./schema/schema.js";
import { secretsOf, without } from "./secrets.js";

/** What became of one connection. */
export interface Checked {
  readonly sort: "destination" | "source";
  readonly name: string;
  readonly kind: string;
  /** `none` has nothing to connect to. */
  readonly outcome: "ok" | "none" | "failed";
  /** Why it failed, without a secret of the configuration. */
  readonly problem?: string;
}

/** Connects to everything that the configuration names, with a time limit in ms for each step of each. */
export async function checkConnections(
  config: Config,
  timeoutMs: number,
): Promise<readonly Checked[]> {
  const kinds = await loadKinds(config);
  const secrets = secretsOf(config);
  const entries = [
    ...Object.entries(config.destinations).map((entry) => ["destination", ...entry] as const),
    ...Object.entries(config.sources).map((entry) => ["source", ...entry] as const),
  ];
  return Promise.all(
    entries.map(async ([sort, name, entry]) => {
      const about = { sort, name, kind: entry.kind };
      try {
        const isReached = await kinds.get(entry.kind)?.check?.(entry, timeoutMs);
        return { ...about, outcome: isReached ? "ok" : "none" };
      } catch (error) {
        return { ...about, outcome: "failed", problem: without(secrets, problemOf(error)) };
      }
    }),
  );
}

function problemOf(error: unknown): string {
  return [describeError(error), hintOf(error)].filter(Boolean).join("; ");
}
