import { asyncBridge } from "../../src/bridge/async.js";
import { syncBridge } from "../../src/bridge/sync.js";
import type { BridgeImplementation } from "../../src/testing.js";

export const bridges: readonly BridgeImplementation[] = [
  {
    name: "sync",
    transactional: true,
    buffered: false,
    create: (destinations, { timeoutMs } = {}) =>
      syncBridge(destinations, timeoutMs === undefined ? {} : { timeoutMs }),
  },
  {
    name: "async",
    transactional: false,
    buffered: true,
    create: (destinations, options) =>
      asyncBridge(destinations, { maxAttempts: 3, ...options, waitMs: 1 }),
  },
];
