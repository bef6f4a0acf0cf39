import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { ProductOf } from "./product-of.js";
import type { Place } from "./scenario.js";

export interface Receiving {
  /** Waits for messages 0 to count - 1, then stops. Rejects if one is missing, or came twice. */
  finish(count: number): Promise<void>;
}

/** Receives in a process of its own, from now on. */
export async function receiving({ url }: Place, { file, name }: ProductOf): Promise<Receiving> {
  const program = fileURLToPath(new URL("receiving-process.js", import.meta.url));
  const child = fork(program, [file, name, url]);
  const exited = once(child, "exit");
  const answer = () =>
    Promise.race([
      once(child, "message").then(([message]) => message),
      exited.then(([code]) => Promise.reject(new Error(`The receiving process left: ${code}.`))),
    ]);
  await answer();
  return {
    async finish(count) {
      child.send(count);
      const fault: string = await answer();
      await exited;
      if (fault) throw new Error(`${fault} This run is void.`);
    },
  };
}
