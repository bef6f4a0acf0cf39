/** Tells the parent that this process is ready, waits until it is to stop, and stops it. */
export async function serveUntilStopped(stop: () => Promise<unknown>): Promise<void> {
  // Ctrl-C reaches every process of the terminal. The parent decides in which order they stop.
  process.on("SIGINT", () => {});
  const stopped = new Promise<void>((resolve) => {
    process.once("SIGTERM", () => resolve());
    process.once("disconnect", resolve); // the parent is gone
  });
  process.send?.("ready");
  await stopped;
  await stop();
  if (process.connected) process.disconnect();
}
