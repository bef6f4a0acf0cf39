import type { SerializedError } from "vitest";
import type { Reporter, TestModule } from "vitest/node";

/**
 * Ends the output with one line, `12 passed, 0 failed`. A file that could not be loaded, a hook that
 * failed and an error outside of any test count as failed.
 */
export class TallyReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    const passed = modules.flatMap((module) => [...module.children.allTests("passed")]);
    const failed = modules.flatMap((module) => [...module.children.allTests("failed")]);
    const errors = modules.flatMap((module) => [
      ...module.errors(),
      ...[...module.children.allSuites()].flatMap((suite) => suite.errors()),
    ]);
    const failures = failed.length + errors.length + unhandledErrors.length;
    console.log(`${passed.length} passed, ${failures} failed`);
  }
}
