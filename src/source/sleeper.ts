import { after } from "./timer.js";

export interface Sleeper {
  /** Resolves after so many milliseconds, or sooner if it is woken. */
  sleep(ms: number): Promise<void>;
  wake(): void;
  /** From now on nobody sleeps. */
  end(): void;
}

/** A pause that can be cut short. */
export function sleeper(): Sleeper {
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
    wake: () => wake(),
    end() {
      isOver = true;
      wake();
    },
  };
}
