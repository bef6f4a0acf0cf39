import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** Runs a file of this folder in a process of its own. Resolves with the message that it sends. */
export async function inProcess<T>(file: string, args: readonly string[]): Promise<T> {
  const child = fork(fileURLToPath(new URL(`${file}.js`, import.meta.url)), args);
  const exited = once(child, "exit").then(([code]) => {
    throw new Error(`${file} left without an answer: ${code}.`);
  });
  exited.catch(() => {});
  const [message] = await Promise.race([once(child, "message"), exited]);
  return message;
}
