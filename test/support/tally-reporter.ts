import type { SerializedError } from "vitest";
import type { Reporter, TestModule } from "vitest/node";

interface Failure {
  readonly where: string;
  readonly errors: readonly SerializedError[];
}

/**
 * Ends the output with a line for each failure, `FAILED file > name: message`, and one that counts,
 * `12 passed, 0 failed`. A file that could not be loaded, a hook that failed and an error outside of any
 * test count as failed.
 */
export class TallyReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    const failures = [
      ...modules.flatMap((module) => failuresOf(module)),
      ...unhandledErrors.map((error) => ({ where: "outside of any test", errors: [error] })),
    ];
    for (const { where, errors } of failures) {
      console.log(`FAILED ${where}: ${errors[0]?.message.split("\n")[0]}`);
    }
    const passed = modules.flatMap((module) => [...module.children.allTests("passed")]);
    console.log(`${passed.length} passed, ${failures.length} failed`);
  }
}

function failuresOf(module: TestModule): Failure[] {
  const file = module.relativeModuleId;
  const tests = [...module.children.allTests("failed")].map((test) => ({
    where: `${file} > ${test.fullName}`,
    errors: test.result().errors ?? [],
  }));
  const hooks = [...module.children.allSuites()].flatMap((suite) =>
    oneEach(`${file} > ${suite.fullName}`, suite.errors()),
  );
  return [...tests, ...oneEach(file, module.errors()), ...hooks];
}

function oneEach(where: string, errors: readonly SerializedError[]): Failure[] {
  return errors.map((error) => ({ where, errors: [error] }));
}
