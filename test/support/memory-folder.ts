import { readFileSync, statfsSync } from "node:fs";

const FOLDER = "/dev/shm";
const NEEDED_BYTES = 6 * 2 ** 30;

/**
 * A folder in memory for the tests' temporary files, where there is one that is large enough and may hold programs.
 * Hundreds of databases are made and dropped: on a disk, most of the time went into the files of that.
 */
export function memoryFolder(): string | undefined {
  try {
    const { bavail, bsize } = statfsSync(FOLDER);
    return bavail * bsize >= NEEDED_BYTES && mayHoldPrograms() ? FOLDER : undefined;
  } catch {
    return undefined;
  }
}

function mayHoldPrograms(): boolean {
  const mounts = readFileSync("/proc/mounts", "utf8").split("\n");
  const options = mounts.map((line) => line.split(" ")).find(([, at]) => at === FOLDER)?.[3];
  return options !== undefined && !options.split(",").includes("noexec");
}
