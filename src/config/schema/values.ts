import { z } from "zod";
import { toPattern, toQueue } from "../../message/name.js";
import { MAX_TIMER_MS } from "../../message/options.js";

/** A whole number from 1 on. */
export const count = z.int().min(1);

/** A time that a timer can wait, in ms. */
export const milliseconds = (min: number) => z.int().min(min).max(MAX_TIMER_MS);

/** The name of something else in the file. */
export const reference = z.string().min(1);

export const queue = z.string().superRefine(checking(toQueue));

/** A name of messages, or a pattern. */
export const pattern = z.string().superRefine(checking(toPattern));

function checking(check: (value: string) => unknown) {
  return (value: string, context: z.RefinementCtx) => {
    try {
      check(value);
    } catch (error) {
      context.addIssue((error as Error).message);
    }
  };
}
