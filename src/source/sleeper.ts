import { after } from "./timer.js";

/** A pause that can be cut short, for good. */
export function sleeper() {
  let isOver = false;
  let wake = () => {};
  return {
    sleep: (ms: number) =>
      new Promise<void>((resolve) => {
        if (isOver) return resolve();
        const cancel = after(ms, resolve);
        wake = () => {
          cancel();
          resolve();
        };
      }),
    end() {
      isOver = true;
      wake();
    },
  };
}
