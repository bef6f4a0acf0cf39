import type pg from "pg";

/** Runs `work` while a transaction keeps its snapshot; prints its backend_xmin before and after. Rejects if it was not kept. */
export async function pinned<T>(pool: pg.Pool, work: () => Promise<T>): Promise<T> {
  const holder = await pool.connect();
  const xmin = async () => {
    const { rows } = await holder.query(
      "select backend_xmin from pg_stat_activity where pid = pg_backend_pid()",
    );
    return rows[0].backend_xmin;
  };
  try {
    await holder.query("begin isolation level repeatable read; select 1");
    const before = await xmin();
    const result = await work();
    const after = await xmin();
    console.log("backend_xmin before", before, "after", after);
    if (!before || before !== after) throw new Error("The snapshot was not kept.");
    return result;
  } finally {
    await holder.query("rollback");
    holder.release();
  }
}
