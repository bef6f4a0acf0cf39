/** What a statement of a migration must not do where others are at work. docs/migrations.md says what to do instead. */
const RULES: readonly (readonly [problem: string, pattern: RegExp])[] = [
  ["rewrites or reads a whole table", /^alter table .*(\btype\b|set not null|validate constraint)/],
  [
    "adds a constraint that reads a whole table",
    /^alter table .*add (constraint .*)?(check|foreign key|unique|primary key|exclude)\b(?!.*not valid)/,
  ],
  ["adds a column whose default rewrites the table", /^alter table .*add column .*default .*\(/],
  ["touches every row", /^(update|delete|truncate)\b/],
  [
    "can't run in a transaction, or locks for long",
    /^(vacuum|cluster|reindex|lock)\b|concurrently/,
  ],
];

const CONTRACTS = /^drop |^alter .*\b(drop|rename)\b/;
const INDEX = /^create (?:unique )?index .*?\bon (?:only )?([\w.]+)/;

/** What is wrong with a migration, a line each. */
export function lint(text: string): readonly string[] {
  const statements = statementsOf(text);
  const made = statements.flatMap((each) => /^create table ([\w.]+)/.exec(each)?.[1] ?? []);
  const isContract = /^-- compatible-from: \d+$/m.test(text);
  return statements.flatMap((each) => {
    const found = RULES.filter(([, pattern]) => pattern.test(each)).map(([problem]) => problem);
    const table = INDEX.exec(each)?.[1];
    if (table && !made.includes(table)) found.push("indexes a table that has rows");
    if (CONTRACTS.test(each) && !isContract) found.push("contracts, and has no compatible-from");
    return found.map((problem) => `${problem}: ${each.slice(0, 80)}`);
  });
}

/** Without comments and the bodies of functions, on one line each. */
function statementsOf(text: string): readonly string[] {
  return text
    .replace(/\$(\w*)\$.*?\$\1\$/gs, "")
    .replace(/--.*$/gm, "")
    .toLowerCase()
    .split(";")
    .map((statement) => statement.replace(/\s+/g, " ").trim())
    .filter((statement) => statement !== "");
}
