/** From the bottom up: a folder imports from its own row and from the rows below. */
const layers = [
  ["message"],
  ["transaction", "telemetry"],
  ["postgres", "kafka"],
  ["destination", "source"],
  ["bridge", "receiver"],
  ["publisher", "relay"],
  ["operations", "config"],
  ["testing", "cli", "dashboard"],
];

/** Where the rows would allow it, but the publishing and the receiving half are kept apart. */
const strangers = [
  ["destination", "source"],
  ["bridge", "receiver"],
  ["publisher", "receiver"],
];

const folders = (names) => `^src/(${names.join("|")})/`;

const upward = layers.slice(0, -1).map((names, row) => ({
  name: `${names.join("-")}-imports-upward`,
  severity: "error",
  from: { path: folders(names) },
  to: { path: folders(layers.slice(row + 1).flat()) },
}));

const apart = strangers
  .flatMap(([one, other]) => [
    [one, other],
    [other, one],
  ])
  .map(([one, other]) => ({
    name: `${one}-imports-${other}`,
    severity: "error",
    from: { path: folders([one]) },
    to: { path: folders([other]) },
  }));

module.exports = {
  forbidden: [
    ...upward,
    ...apart,
    {
      name: "unknown-folder",
      comment: "Every folder of src has a row above.",
      severity: "error",
      from: { path: "^src/[^/]+/", pathNot: folders(layers.flat()) },
      to: {},
    },
    {
      name: "circle",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    {
      name: "entry-point-imported",
      comment: "The files directly in src are for users.",
      severity: "error",
      from: { path: "^src/" },
      to: { path: "^src/[^/]+[.]ts$" },
    },
    {
      name: "driver-behind-index",
      comment: "These entry points work without a database driver.",
      severity: "error",
      from: { path: "^src/(index|kafka|testing)[.]ts$" },
      to: {
        path: ["^src/postgres(/|[.]ts$)", "node_modules/(@types/)?pg(-listen)?/"],
        reachable: true,
      },
    },
    {
      name: "outside-src",
      comment: "The package holds src alone.",
      severity: "error",
      from: { path: "^src/" },
      to: { path: "^(test|scripts|examples|bench)/" },
    },
    {
      name: "development-dependency",
      comment: "Not installed at the user's.",
      severity: "error",
      from: { path: "^src/" },
      to: {
        dependencyTypes: ["npm-dev"],
        dependencyTypesNot: ["npm-peer", "npm-optional", "type-only"],
      },
    },
    {
      name: "not-found",
      severity: "error",
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "types", "node", "default"],
    },
  },
};
