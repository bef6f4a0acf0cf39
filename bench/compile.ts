/**
 * Compiles everything to bench/.cache, below which the packages are found: all that is measured is JavaScript, as it is for users,
 * without a loader that changes it.
 */
import { execFileSync } from "node:child_process";
import { rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const FOLDER = join(ROOT, "bench", ".cache");

rmSync(FOLDER, { recursive: true, force: true });
const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
const options = ["--noEmit", "false", "--noCheck", "--rootDir", ROOT, "--outDir", FOLDER];
execFileSync(process.execPath, [tsc, "-p", ROOT, ...options], { stdio: "inherit" });
symlinkSync(join(ROOT, "migrations"), join(FOLDER, "migrations"));
symlinkSync(join(ROOT, ".cache"), join(FOLDER, ".cache")); // brokers
