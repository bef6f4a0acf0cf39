/**
 * What we ask of a database client: a `pg` client, a pool, or anything that looks like one. Values are
 * numbered parameters (`$1`). The caller's transaction is only ever written to, never begun or ended.
 */
export interface SqlClient {
  // biome-ignore lint/suspicious/noExplicitAny: rows are shaped by the statement, and drivers type them as any
  query(text: string, values?: any[]): Promise<{ rows: any[] }>;
}
