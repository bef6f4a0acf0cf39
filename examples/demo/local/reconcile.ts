interface ServiceReport {
  readonly published: number;
  /** Different messages that its handler has finished. */
  readonly handled: number;
  /** Published and not handled. */
  readonly missing: number;
  /** Handled and never published. */
  readonly phantom: number;
  /** Handled once more than needed, as at-least-once delivery allows. */
  readonly repeated: number;
}

export interface Report {
  readonly ok: boolean;
  readonly services: Readonly<Record<string, ServiceReport>>;
}

/** Compares the ids that were published with those that each service has handled. */
export function reconcile(
  published: readonly string[],
  handled: Readonly<Record<string, readonly string[]>>,
): Report {
  const reports = Object.entries(handled).map(
    ([name, ids]) => [name, reconcileService(new Set(published), ids)] as const,
  );
  const ok = reports.every(([, { missing, phantom }]) => missing === 0 && phantom === 0);
  return { ok, services: Object.fromEntries(reports) };
}

function reconcileService(published: ReadonlySet<string>, ids: readonly string[]): ServiceReport {
  const handled = new Set(ids);
  return {
    published: published.size,
    handled: handled.size,
    missing: [...published].filter((id) => !handled.has(id)).length,
    phantom: [...handled].filter((id) => !published.has(id)).length,
    repeated: ids.length - handled.size,
  };
}
