import type { Engine } from "./engine.js";

/** As after a restore from a cluster that had used more xids: all that is stored lies in this one's future. */
export async function pretendRestored(engine: Engine): Promise<void> {
  const ahead = "5000000000";
  const snapshot = `${ahead}:${ahead}:`;
  await engine.sql("update opinionated_events.message set xid = $1::xid8", ["4999999999"]);
  await engine.sql(
    "update opinionated_events.batch set lo_mark = '0', vis = $1, cur = $1, mark = $2",
    [snapshot, ahead],
  );
  await engine.sql("update opinionated_events.epoch set snap = $1, mark = $2", [snapshot, ahead]);
}
