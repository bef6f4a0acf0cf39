import { expect, vi } from "vitest";
import type { Logger } from "../../../src/source/source.js";

export const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };

const patience = { timeout: 40_000, interval: 20 };

/** Resolves once the condition holds. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  await vi.waitFor(async () => expect(await holds(), what).toBe(true), patience);
}
