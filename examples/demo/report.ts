import type { Report } from "./reconcile.js";

export function printReport(report: Report): void {
  const { log, rolledBack, counted, open, deadLetters } = report;
  console.log("\nEach queue against the committed business rows:");
  console.table(report.queues);
  console.log("Dead letters, with their reason:");
  console.table(deadLetters);
  console.log(
    `message log      ${log.committed} committed, ${log.missing} missing, ${log.phantom} phantom`,
  );
  console.log(
    `rolled back      ${rolledBack.total} transactions, ${rolledBack.traces} left a trace`,
  );
  console.log(`stats            ${counted} messages counted: a repeat counts once`);
  console.log(`not finished     ${open}`);
  console.log(report.ok ? "\nOK: nothing lost, nothing made up." : "\nFAILED: it doesn't add up.");
}
