import type { Lanes } from "./lanes.js";
import type { StopReport } from "./source.js";
import { after } from "./timer.js";

/**
 * Waits until all that runs has finished, or `deadlineMs` milliseconds are over. The caller has stopped
 * the intake and cleared the lanes.
 */
export async function finishWithin<T>(
  lanes: Lanes<T>,
  deadlineMs: number,
): Promise<Pick<StopReport, "finished" | "aborted">> {
  const { running } = lanes;
  await new Promise<void>((resolve) => {
    const cancel = after(deadlineMs, resolve);
    lanes.idle().then(() => {
      cancel();
      resolve();
    });
  });
  return { finished: running - lanes.running, aborted: lanes.running };
}
