import { EventEmitter } from "node:events";
import type pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { transaction } from "../../src/transaction/transaction.js";
import { withTx } from "../../src/transaction/with-tx.js";
import { withCode } from "../message/with-code.js";
import { type TestDatabase, testDatabase } from "../support/postgres.js";

/** A pool of one client that records its statements, and fails those it is told to. */
function fakePool(failing: Record<string, Error> = {}) {
  const log: string[] = [];
  const client = {
    async query(text: string) {
      log.push(text);
      if (failing[text]) throw failing[text];
      return { rows: [], command: text.toUpperCase() };
    },
    release(destroy?: boolean) {
      log.push(`release ${destroy}`);
    },
  };
  return { log, connect: async () => client };
}

describe("transaction", () => {
  it("commits, gives the value, and gives the client back", async () => {
    const pool = fakePool();
    const value = await transaction(pool, async (tx) => {
      await tx.query("insert");
      return 7;
    });
    expect(value).toBe(7);
    expect(pool.log).toEqual(["begin", "insert", "commit", "release false"]);
  });

  it.each([
    ["rejects", async () => Promise.reject(new Error("mine"))],
    [
      "throws",
      () => {
        throw new Error("mine");
      },
    ],
  ])("rolls back when the function %s", async (_, fn) => {
    const pool = fakePool();
    await expect(transaction(pool, fn)).rejects.toThrow("mine");
    expect(pool.log).toEqual(["begin", "rollback", "release false"]);
  });

  it("keeps the first error and closes the connection when the rollback fails", async () => {
    const pool = fakePool({ rollback: new Error("lost") });
    const failure = transaction(pool, async () => Promise.reject(new Error("mine")));
    await expect(failure).rejects.toThrow("mine");
    expect(pool.log).toEqual(["begin", "rollback", "release true"]);
  });

  it("closes the connection when begin or commit fails", async () => {
    for (const statement of ["begin", "commit"]) {
      const pool = fakePool({ [statement]: new Error("lost") });
      await expect(transaction(pool, async () => 7)).rejects.toThrow("lost");
      expect(pool.log.at(-2)).toBe(statement);
      expect(pool.log.at(-1)).toBe("release true");
    }
  });

  it("does not run the function without a transaction", async () => {
    let ran = false;
    const fn = async () => {
      ran = true;
    };
    await expect(transaction(fakePool({ begin: new Error("lost") }), fn)).rejects.toThrow("lost");
    const connect = () => Promise.reject(new Error("full"));
    await expect(transaction({ connect }, fn)).rejects.toThrow("full");
    expect(ran).toBe(false);
  });

  it("refuses options that it does not know, before it takes a client", async () => {
    const pool = fakePool();
    const fn = async () => 7;
    // @ts-expect-error there is no such level
    await expect(transaction(pool, fn, { isolation: "; drop table users" })).rejects.toThrow(
      withCode("INVALID_OPTIONS", "serializable"),
    );
    // @ts-expect-error there is no such option
    await expect(transaction(pool, fn, { readOnly: true })).rejects.toThrow(
      withCode("INVALID_OPTIONS", "readOnly"),
    );
    expect(pool.log).toEqual([]);
  });

  it("hears the errors of its client only while it has it", async () => {
    const events = new EventEmitter();
    const { query, release } = await fakePool().connect();
    const on = events.on.bind(events);
    const client = { query, release, on, off: events.off.bind(events) };
    await transaction({ connect: async () => client }, async () => {
      expect(() => events.emit("error", new Error("lost"))).not.toThrow();
    });
    expect(events.listenerCount("error")).toBe(0);
  });
});

describe("transaction on a pg pool", () => {
  let database: TestDatabase;
  let pool: pg.Pool;

  beforeAll(async () => {
    database = await testDatabase();
    pool = database.pool;
    await pool.query("create table item (id int primary key)");
  });
  beforeEach(async () => {
    await pool.query("truncate item");
  });
  afterAll(async () => {
    await database.drop();
  });

  const items = async () => (await pool.query("select id from item order by id")).rows;

  it("stores all or nothing", async () => {
    await transaction(pool, async (tx) => {
      await tx.query("insert into item values ($1)", [1]);
    });
    const failure = transaction(pool, async (tx) => {
      await tx.query("insert into item values (2)");
      throw new Error("mine");
    });
    await expect(failure).rejects.toThrow("mine");
    expect(await items()).toEqual([{ id: 1 }]);
  });

  it("says so when the commit of a failed transaction rolled back", async () => {
    const failure = transaction(pool, async (tx) => {
      await tx.query("insert into item values (1)");
      await tx.query("insert into item values (1)").catch(() => undefined);
      return "published";
    });
    await expect(failure).rejects.toThrow(withCode("TRANSACTION_ABORTED"));
    expect(await items()).toEqual([]);
    expect(pool.idleCount).toBe(pool.totalCount);
  });

  it("passes the database's errors on", async () => {
    const failure = transaction(pool, (tx) => tx.query("select 1/0"));
    await expect(failure).rejects.toThrow(expect.objectContaining({ code: "22012" }));
  });

  it.each(["read committed", "repeatable read", "serializable"] as const)(
    "runs in %s",
    async (isolation) => {
      const show = "select current_setting('transaction_isolation') as level";
      const result = await transaction(pool, (tx) => tx.query(show), { isolation });
      expect(result.rows).toEqual([{ level: isolation }]);
    },
  );

  it("survives the loss of its connection between two statements", async () => {
    const failure = transaction(pool, async (tx) => {
      const { rows } = await tx.query("select pg_backend_pid() as pid");
      await tx.query("insert into item values (1)");
      // Not events.once, which rejects on the error that comes first.
      const lost = new Promise<void>((resolve) => (tx as pg.PoolClient).once("end", resolve));
      await pool.query("select pg_terminate_backend($1)", [rows[0].pid]);
      await lost;
      await tx.query("insert into item values (2)");
    });
    await expect(failure).rejects.toThrow();
    expect(await items()).toEqual([]);
  });
});

describe("withTx", () => {
  it("holds the client", async () => {
    const client = await fakePool().connect();
    expect(withTx(client)).toEqual({ tx: client });
  });
});
