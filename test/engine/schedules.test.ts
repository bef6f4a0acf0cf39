import { describe, test } from "vitest";
import * as deadLetters from "./checks/dead-letters.js";
import * as emptyWindows from "./checks/empty-windows.js";
import * as leases from "./checks/leases.js";
import * as moves from "./checks/moves.js";
import * as ordered from "./checks/ordered.js";
import * as orderedMoves from "./checks/ordered-moves.js";
import * as polling from "./checks/polling.js";
import * as positions from "./checks/positions.js";
import * as rebasing from "./checks/rebasing.js";
import * as refusals from "./checks/refusals.js";
import * as retention from "./checks/retention.js";
import * as segments from "./checks/segments.js";
import * as subscriptions from "./checks/subscriptions.js";
import * as sweeping from "./checks/sweeping.js";
import * as transactions from "./checks/transactions.js";
import * as waking from "./checks/waking.js";
import * as windows from "./checks/windows.js";
import { Engine } from "./engine.js";

const subjects = {
  windows,
  polling,
  positions,
  refusals,
  leases,
  moves,
  orderedMoves,
  ordered,
  segments,
  subscriptions,
  sweeping,
  emptyWindows,
  rebasing,
  waking,
  retention,
  transactions,
  deadLetters,
};

describe.each(Object.entries(subjects))("%s", (_, checks) => {
  test.each(Object.entries(checks))("%s", async (_, check) => {
    const engine = await Engine.create();
    try {
      await check(engine);
    } finally {
      await engine.drop();
    }
  });
});
