import type pg from "pg";
import { migrate } from "../../src/postgres.js";
import { startReplicated } from "../support/replicated.js";
import type { FaultCase } from "./case.js";
import type { Server } from "./database.js";
import { fatesOf } from "./fates.js";
import { Stage } from "./stage.js";
import { type Tally, tally, violations } from "./tally.js";

export interface RunOptions {
  readonly server: Server;
  readonly isLong: boolean;
  /** A recovery that takes too long is a fault, too. */
  readonly isTimed: boolean;
  /** The tree that its processes run on. */
  readonly root: URL;
  /** Changes the migrated database. */
  readonly prepare?: (pool: pg.Pool) => Promise<void>;
}

export interface Result {
  readonly name: string;
  readonly seconds: number;
  readonly tally: Tally;
  /** What was wrong; nothing if all was well. */
  readonly violations: readonly string[];
}

/** How long nothing may happen, beyond the time that a recovery may take; more where that time is not looked at. */
const PATIENCE_MS = 5_000;
const LONG_PATIENCE_MS = 45_000;

export async function runCase(faultCase: FaultCase, options: RunOptions): Promise<Result> {
  const startedAt = performance.now();
  if (faultCase.standby && !options.server.standby) return withStandby(faultCase, options);
  const { server, isLong, root, prepare = async () => {} } = options;
  const messages = isLong ? faultCase.messages.long : faultCase.messages.short;
  const stage = await Stage.open({ server, root, messages, isLong, prepare });
  try {
    const failure = await play(faultCase, stage);
    const patienceMs = options.isTimed ? PATIENCE_MS : LONG_PATIENCE_MS;
    const counts = await count(faultCase, stage, patienceMs);
    const fates = await fatesOf(stage.pool, counts.lost);
    const wrong = violations(counts, options.isTimed);
    const found = [...wrong, ...fates, ...stage.crew.broken, ...failure];
    const seconds = (performance.now() - startedAt) / 1_000;
    return { name: faultCase.name, seconds, tally: counts, violations: found };
  } finally {
    await stage.close();
  }
}

async function withStandby(faultCase: FaultCase, options: RunOptions): Promise<Result> {
  const synchronous = faultCase.standby === "synchronous";
  const own = await startReplicated(synchronous, process.env.POSTGRES_BIN);
  try {
    return await runCase(faultCase, { ...options, server: { url: own.url, standby: own } });
  } finally {
    await own.stop();
  }
}

/** Resolves with what went wrong. */
async function play(faultCase: FaultCase, stage: Stage): Promise<string[]> {
  if (!faultCase.migrates) {
    await migrate(stage.pool);
    await stage.prepare(stage.pool);
  }
  try {
    await faultCase.run(stage);
    await stage.published(stage.messages);
    return [];
  } catch (error) {
    return [String(error)];
  } finally {
    await stage.crew.stopPublishers();
  }
}

async function count(faultCase: FaultCase, stage: Stage, patienceMs: number): Promise<Tally> {
  const { recoveryMs, ordered = false, forgets = false } = faultCase;
  const end = await stage.settle(recoveryMs + patienceMs);
  return tally(stage.book, end, stage.faults.all, {
    recoveryMs,
    ordered,
    forgets,
    repeats: stage.repeats,
  });
}
