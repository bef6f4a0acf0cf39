import { fileURLToPath } from "node:url";
import { inject } from "vitest";

/** Where a file of the run's tree is: that of `test/a.ts` is `test/a.js`. */
export function inTree(path: string): string {
  return fileURLToPath(new URL(path, inject("tree")));
}
