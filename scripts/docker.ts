import { setTimeout } from "node:timers/promises";

const ENGINE_TIMEOUT_MS = 3_000;

/** Whether there is a Docker engine to run containers in. */
export async function dockerAnswers(): Promise<boolean> {
  const { getContainerRuntimeClient } = await import("testcontainers");
  const answer = getContainerRuntimeClient().then(
    () => true,
    () => false,
  );
  return Promise.race([answer, setTimeout(ENGINE_TIMEOUT_MS, false, { ref: false })]);
}
