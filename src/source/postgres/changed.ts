import { EventsError } from "../../message/errors.js";
import { checkSchema } from "../../postgres/check.js";
import type { Database } from "../../postgres/database.js";
import { rebaseRestored } from "../../postgres/rebase.js";

type OnError = (error: unknown) => void;

/** Rebases a log that was restored from another cluster, and tells `onError` so. */
export async function rebase(db: Database, onError: OnError): Promise<void> {
  const notice = await rebaseRestored(db);
  if (notice) onError(notice);
}

/** Passes errors on. Those by which a database that has changed under a running source is known are looked into. */
export function noticing(db: Database, onError: OnError): OnError {
  let isBusy = false;
  return async (error) => {
    onError(error);
    const answer = error instanceof EventsError ? answers[error.code] : undefined;
    if (isBusy || !answer) return;
    isBusy = true;
    await answer(db, onError).catch(onError);
    isBusy = false;
  };
}

const answers: { readonly [code: string]: typeof rebase | undefined } = {
  CLUSTER_CHANGED: rebase,
  // It may be too new, which that says.
  SCHEMA_MISSING: checkSchema,
};
