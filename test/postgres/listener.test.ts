import { type ChildProcess, fork } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type OwnPostgresServer, startBinaries } from "../../scripts/postgres-binaries.js";
import { createMessage } from "../../src/message/create-message.js";
import { intervalTrigger, notifyTrigger } from "../../src/source/postgres/trigger.js";
import { type FaultyProxy, startProxy } from "../support/proxy.js";
import { type Engine, engine, rows, until } from "./support.js";
import { kill } from "./worker-process.js";

/** Longer than any test: what is handled was woken. */
const INTERVAL = intervalTrigger(600_000);
/** pg-listen by itself would give up after 3 s; so many attempts with our back-off take longer. */
const ATTEMPTS_OF_3_S = 10;
const NAME = "job.run";

let db: Engine;
let proxy: FaultyProxy;
let seen: unknown[];
let errors: unknown[];

async function setUp(given?: Parameters<typeof engine>[0]) {
  [seen, errors] = [[], []];
  db = await engine(given);
  const { hostname: host, port } = new URL(db.url);
  proxy = await startProxy({ host, port: Number(port || 5432) });
}

async function tearDown() {
  proxy.up();
  await db.close();
  await proxy.close();
}

const proxied = () => Object.assign(new URL(db.url), { host: `127.0.0.1:${proxy.port}` }).href;

/** Its pool connects directly, its listener through the proxy. */
function receiver(pool: pg.Pool = db.pool) {
  const triggers = [notifyTrigger({ connectionString: proxied() }), INTERVAL];
  return db
    .receiver({ pool, triggers }, (error) => errors.push(error))
    .on("q", NAME, ({ payload }) => seen.push(payload));
}

const publish = (payload: unknown) => db.publisher.publishOne(createMessage(NAME, payload));

async function expectWakeUps() {
  // More than one: a look that is under way could find the first.
  for (const n of [1, 2, 3]) {
    const payload = `${n} ${randomUUID()}`;
    await publish(payload);
    await until(() => expect(seen).toContain(payload));
  }
}

/** The listening sessions that the server has. */
async function sessions(pool = db.pool): Promise<number[]> {
  const found = await rows(
    pool,
    `select pid from pg_stat_activity
     where application_name like 'opinionated-events %' and datname = current_database()`,
  );
  return found.map(({ pid }) => pid);
}

const lost = expect.objectContaining({
  code: "LISTENER_FAILED",
  message: expect.stringContaining("was lost"),
});

describe("the listener", () => {
  beforeEach(() => setUp());
  afterEach(tearDown);

  it("is back after its connection was terminated, and says so", async () => {
    await receiver().start();
    await expectWakeUps();
    const [pid] = await sessions();
    await rows(db.pool, "select pg_terminate_backend($1)", [pid]);
    await until(async () => expect(await sessions()).toEqual([expect.not.toBeOneOf([pid])]));
    await expectWakeUps();
    expect(errors).toEqual([lost]);
  });

  it("needs nobody who is told of errors", async () => {
    const triggers = [notifyTrigger({ connectionString: proxied() }), INTERVAL];
    await db
      .receiver({ triggers })
      .on("q", NAME, ({ payload }) => seen.push(payload))
      .start();
    proxy.reset();
    await until(() => expect(proxy.attempts).toBe(2));
    await expectWakeUps();
  });

  it("is back after an outage that is longer than 3 s, and handles what came meanwhile", async () => {
    await receiver().start();
    await expectWakeUps();
    proxy.refuse();
    await until(async () => expect(await sessions()).toEqual([]));
    await publish("meanwhile");
    const refused = proxy.attempts;
    await until(() => expect(proxy.attempts - refused).toBeGreaterThan(ATTEMPTS_OF_3_S));
    expect(seen).not.toContain("meanwhile");
    proxy.up();
    await until(() => expect(seen).toContain("meanwhile"));
    await expectWakeUps();
    expect(errors).toEqual([lost]);
  });

  it("notices a black hole, and replaces the connection", async () => {
    await receiver().start();
    await expectWakeUps();
    const before = proxy.attempts;
    proxy.silence();
    await publish("meanwhile");
    await until(() => expect(proxy.attempts).toBeGreaterThan(before));
    expect(seen).not.toContain("meanwhile");
    proxy.up();
    await until(() => expect(seen).toContain("meanwhile"));
    await expectWakeUps();
    await until(async () => expect(await sessions()).toHaveLength(1));
  });

  it("is woken by any payload, JSON or not", async () => {
    await receiver().start();
    await rows(db.pool, "alter table opinionated_events.message disable trigger wake");
    for (const payload of ["{", "not JSON", "", "null"]) {
      await publish(payload);
      await rows(db.pool, "select pg_notify('opinionated_events', $1)", [payload]);
      await until(() => expect(seen).toContain(payload));
    }
    expect(errors).toEqual([]);
  });

  it("refuses a connection that doesn't hear the pool, before any handler has run", async () => {
    const elsewhere = Object.assign(new URL(db.url), { pathname: "postgres" }).href;
    const started = receiver();
    await started.start();
    await started.stop();
    await publish("waiting");
    const deaf = db
      .receiver({ triggers: [notifyTrigger({ connectionString: elsewhere }), INTERVAL] })
      .on("q", NAME, ({ payload }) => seen.push(payload));
    await expect(deaf.start()).rejects.toMatchObject({
      code: "LISTENER_FAILED",
      message: expect.stringContaining("no notification arrived"),
    });
    expect(seen).toEqual([]);
  });
});

describe("a server that goes away and comes back", () => {
  let server: OwnPostgresServer;
  beforeEach(async () => {
    server = await startBinaries(process.env.POSTGRES_BIN);
    const pool = new pg.Pool({ connectionString: server.url });
    pool.on("error", () => {});
    const drop = async () => {
      await pool.end();
      await server.stop();
    };
    await setUp({ url: server.url, pool, drop });
  });
  afterEach(tearDown);

  /** A pool that nobody else watches: idle connections are lost, too. */
  async function startWithPoolOfItsOwn() {
    const pool = new pg.Pool({ connectionString: server.url });
    const started = receiver(pool);
    await started.start();
    return async () => {
      await started.stop();
      await pool.end();
    };
  }

  it.each(["fast", "immediate"])(
    "by a restart (%s): receiver and publisher go on, and nothing is lost",
    async (mode) => {
      const stop = await startWithPoolOfItsOwn();
      await expectWakeUps();
      await db.publisher.publishMany([1, 2, 3].map((n) => createMessage(NAME, n)));
      await server.control("stop", "-m", mode);
      await expect(publish("refused")).rejects.toMatchObject({ code: "PUBLISH_FAILED" });
      await server.control("start");
      await until(async () => expect(await sessions()).toHaveLength(1));
      await expectWakeUps();
      await until(() => expect(seen).toEqual(expect.arrayContaining([1, 2, 3])));
      expect(seen).not.toContain("refused");
      await stop();
    },
  );

  it("as a standby that is promoted, on which nobody could listen at first", async () => {
    const stop = await startWithPoolOfItsOwn();
    await writeFile(join(server.data, "standby.signal"), "");
    await server.control("restart", "-m", "fast");
    const refused = expect.objectContaining({
      code: "LISTENER_FAILED",
      message: expect.stringContaining("during recovery"),
    });
    await until(() => expect(errors).toContainEqual(refused));
    await server.control("promote");
    await until(async () =>
      expect(await rows(db.pool, "select pg_is_in_recovery() as standby")).toEqual([
        { standby: false },
      ]),
    );
    await until(async () => {
      await publish("promoted");
      expect(seen).toContain("promoted");
    });
    await expectWakeUps();
    await stop();
  });
});

describe("a listener that is closed leaves no connection, and nothing that keeps its process", () => {
  const file = fileURLToPath(new URL("./closing-listener.ts", import.meta.url));
  let child: ChildProcess;
  let told: unknown[];
  beforeEach(async () => {
    await setUp();
    told = [];
    child = fork(file, [proxied(), "opinionated-events closing"], {
      execArgv: ["--import", "tsx"],
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    child.on("message", (message) => {
      told.push(message);
      if (message === "notify") void rows(db.pool, "notify closing");
    });
    await until(() => expect(told).toContain("ready"));
  });
  afterEach(async () => {
    await kill(child);
    await tearDown();
  });

  function close(): Promise<unknown[]> {
    const exit = once(child, "exit");
    child.send("close");
    return exit;
  }

  it("while it listens", async () => {
    expect(await close()).toEqual([0, null]);
    await until(async () => expect(await sessions()).toEqual([]));
  });

  it("while its connections are refused", async () => {
    proxy.refuse();
    await until(() => expect(proxy.attempts).toBeGreaterThan(5));
    expect(await close()).toEqual([0, null]);
    await until(async () => expect(await sessions()).toEqual([]));
  });

  it("while its connection is silent", async () => {
    proxy.silence();
    expect(await close()).toEqual([0, null]);
  });

  it("while a new connection is under way, and is answered after all", async () => {
    proxy.silence();
    proxy.reset();
    await until(() => expect(proxy.attempts).toBe(2));
    const exit = close();
    proxy.up();
    expect(await exit).toEqual([0, null]);
    await until(async () => expect(await sessions()).toEqual([]));
  });
});
