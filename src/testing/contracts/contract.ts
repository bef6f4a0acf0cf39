/** Registers a test: `test` of vitest, Jest or `node:test`, `it` of Mocha. */
export type RegisterTest = (name: string, run: () => Promise<void>) => unknown;

/** Fresh for every case. */
export interface Subject {
  close(): Promise<void>;
}

export type Cases<S> = Readonly<Record<string, (subject: S) => Promise<void>>>;

export interface ContractResult {
  readonly name: string;
  readonly outcome: "passed" | "failed" | "not run" | "left out";
  /** Why it was left out. */
  readonly reason?: string;
}

/** What became of a contract's cases so far; complete once the test runner is through with them. */
export interface ContractReport {
  readonly contract: string;
  readonly implementation: string;
  readonly results: readonly ContractResult[];
}

interface Contract<S extends Subject> {
  readonly contract: string;
  readonly implementation: string;
  readonly cases: Cases<S>;
  /** Undefined for a case that is to run. */
  readonly reasonToLeaveOut: (name: string) => string | undefined;
  readonly open: () => Promise<S>;
}

/** Registers every case that isn't left out, each with a subject of its own. */
export function registerContract<S extends Subject>(
  test: RegisterTest,
  { contract, implementation, cases, reasonToLeaveOut, open }: Contract<S>,
): ContractReport {
  const results = new Map<string, ContractResult>();
  const note = (result: ContractResult) => results.set(result.name, result);
  for (const [name, run] of Object.entries(cases)) {
    const reason = reasonToLeaveOut(name);
    if (reason !== undefined) {
      note({ name, outcome: "left out", reason });
      continue;
    }
    note({ name, outcome: "not run" });
    test(name, async () => {
      note({ name, outcome: "failed" });
      await runCase(open, run);
      note({ name, outcome: "passed" });
    });
  }
  return {
    contract,
    implementation,
    get results() {
      return [...results.values()];
    },
  };
}

/** The same reason to leave out each of the cases. */
export function leaveOut(cases: object, reason: string): Record<string, string> {
  return Object.fromEntries(Object.keys(cases).map((name) => [name, reason]));
}

async function runCase<S extends Subject>(
  open: () => Promise<S>,
  run: (subject: S) => Promise<void>,
): Promise<void> {
  const subject = await open();
  try {
    await run(subject);
  } finally {
    await subject.close();
  }
}
