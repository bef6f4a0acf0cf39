import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);

export const KAFKA_VERSION = "3.9.1";
const LIB = fileURLToPath(new URL(`../.cache/brokers/kafka-${KAFKA_VERSION}/`, import.meta.url));

/** What Maven fetches: the broker with all that it needs, and a logger that writes to its standard error. */
const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>local</groupId>
  <artifactId>broker</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>${KAFKA_VERSION}</version>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId>
      <artifactId>slf4j-simple</artifactId>
      <version>1.7.36</version>
    </dependency>
  </dependencies>
</project>
`;

/** The folder of Kafka's jars; they are fetched once, with Maven. Rejects with what is missing. */
export async function installKafka(): Promise<string> {
  await need("java", "-version", "openjdk-17-jre-headless");
  if (!existsSync(LIB)) await download();
  return LIB;
}

async function need(program: string, flag: string, debian: string): Promise<void> {
  try {
    await run(program, [flag]);
  } catch (cause) {
    throw new Error(`${program} is not installed (apt install ${debian})`, { cause });
  }
}

/** Beside its place, and moved there when it is complete: another process may be doing the same. */
async function download(): Promise<void> {
  await need("mvn", "-version", "maven");
  await mkdir(dirname(dirname(LIB)), { recursive: true });
  const folder = await mkdtemp(join(dirname(dirname(LIB)), "brokers-"));
  try {
    await writeFile(join(folder, "pom.xml"), POM);
    const options = ["-DincludeScope=runtime", "-DoutputDirectory=lib"];
    await run("mvn", ["-q", "-B", "dependency:copy-dependencies", ...options], { cwd: folder });
    await mkdir(dirname(LIB), { recursive: true });
    await rename(join(folder, "lib"), LIB).catch((error) => {
      if (!existsSync(LIB)) throw error;
    });
  } catch (cause) {
    throw new Error(`Maven could not fetch Kafka ${KAFKA_VERSION}: ${String(cause)}`, { cause });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
