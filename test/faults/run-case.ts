import type pg from "pg";
import { migrate } from "../../src/postgres.js";
import type { FaultCase } from "./case.js";
import type { Server } from "./database.js";
import { Stage } from "./stage.js";
import { type Tally, tally, violations } from "./tally.js";

export interface RunOptions {
  readonly server: Server;
  readonly isLong: boolean;
  /** A recovery that takes too long is a fault, too. */
  readonly isTimed: boolean;
  /** A tree of sources other than this one. */
  readonly root?: URL | undefined;
  /** Changes the migrated database. */
  readonly prepare?: (pool: pg.Pool) => Promise<void>;
}

export interface Result {
  readonly name: string;
  readonly seconds: number;
  /** None if the case could not be played to its end. */
  readonly tally: Tally | undefined;
  /** What was wrong; nothing if all was well. */
  readonly violations: readonly string[];
}

const HERE = new URL("../../", import.meta.url);
/** How long nothing may happen, beyond the time that a recovery may take. */
const PATIENCE_MS = 5_000;

export async function runCase(faultCase: FaultCase, options: RunOptions): Promise<Result> {
  const startedAt = performance.now();
  const { server, isLong, root = HERE, prepare = async () => {} } = options;
  const messages = isLong ? faultCase.messages.long : faultCase.messages.short;
  const stage = await Stage.open({ server, root, messages, isLong, prepare });
  const result = { name: faultCase.name, tally: undefined as Tally | undefined };
  const found: string[] = [];
  try {
    result.tally = await play(faultCase, stage);
    found.push(...violations(result.tally, options.isTimed));
  } catch (error) {
    found.push(String(error));
  } finally {
    found.push(...stage.crew.broken);
    await stage.close();
  }
  return { ...result, seconds: (performance.now() - startedAt) / 1_000, violations: found };
}

async function play(faultCase: FaultCase, stage: Stage): Promise<Tally> {
  if (!faultCase.migrates) {
    await migrate(stage.pool);
    await stage.prepare(stage.pool);
  }
  await faultCase.run(stage);
  await stage.endPublishing();
  const end = await stage.settle(faultCase.recoveryMs + PATIENCE_MS);
  const { repeats } = stage;
  const bounds = { recoveryMs: faultCase.recoveryMs, repeats, ordered: false };
  return tally(stage.book, end, stage.faults.all, bounds);
}
