/**
 * Imports point one way (CONTRIBUTING.md, "Where things live"). In asl-core, bottom to top:
 * types, errors <- ops <- graph <- functions <- autodiff, nn <- losses, optim <- exact <- models <- program;
 * passes and metrics stand beside. Adapters import core; apps import packages, never each other.
 */
const CORE = "^packages/asl-core/src/";
const LAYERS = [
  ["types"],
  ["errors"],
  ["ops", "state"],
  ["graph", "random", "metrics"],
  ["functions", "passes"],
  ["autodiff", "nn"],
  ["losses", "optim"],
  ["exact"],
  ["models"],
  ["program"],
];

const coreLayers = LAYERS.slice(0, -1).map((layer, i) => ({
  name: `core-${layer.join("-")}-imports-nothing-above`,
  severity: "error",
  from: { path: `${CORE}(${layer.join("|")})/` },
  to: {
    path: `${CORE}(${LAYERS.slice(i + 1)
      .flat()
      .join("|")})/`,
  },
}));

/** What each package may import of the others. */
const ALLOWED = {
  "asl-core": [],
  "asl-reference": ["asl-core"],
  "asl-onnx": ["asl-core"],
  "asl-tfjs": ["asl-core"],
  "asl-webgpu": ["asl-core"],
  // adapters only by name, when its command is asked for them
  "asl-conformance": ["asl-core", "asl-checkpoint", "asl-reference"],
  "asl-checkpoint": ["asl-core"],
  "asl-zoo": ["asl-core", "asl-checkpoint"],
  "asl-data": ["asl-core"],
  "asl-training": ["asl-core", "asl-checkpoint", "asl-data"],
  "asl-report": ["asl-core", "asl-training"],
  "asl-cli": [
    "asl-core",
    "asl-checkpoint",
    "asl-data",
    "asl-onnx",
    "asl-reference",
    "asl-tfjs",
    "asl-training",
    "asl-zoo",
    "asl-webgpu",
  ],
};

const packageBoundaries = Object.entries(ALLOWED).map(([name, allowed]) => ({
  name: `${name}-imports-only-${allowed.length === 0 ? "itself" : allowed.join("-")}`,
  severity: "error",
  from: { path: `^packages/${name}/src/` },
  to: { path: `^packages/(?!(${[name, ...allowed].join("|")})/)|^apps/` },
}));

/** @type {import("dependency-cruiser").IConfiguration} */
module.exports = {
  forbidden: [
    { name: "no-circular", severity: "error", from: {}, to: { circular: true } },
    {
      name: "core-has-no-dependencies",
      severity: "error",
      from: { path: CORE },
      to: { pathNot: CORE },
    },
    ...coreLayers,
    ...packageBoundaries,
    {
      name: "declared-and-installed",
      severity: "error",
      from: {},
      // tags.js: of targets/shared, beside the tagger only in the folder that asl-export writes
      to: { couldNotResolve: true, pathNot: "^\\./tags\\.js$" },
    },
    {
      name: "apps-never-import-each-other",
      severity: "error",
      from: { path: "^apps/([^/]+)/" },
      to: { path: "^apps/", pathNot: "^apps/$1/" },
    },
    {
      name: "browser-entries-do-without-node",
      severity: "error",
      from: { path: "^packages/((asl-checkpoint|asl-conformance)/src/browser|asl-data/src/(resize|picture))\\.ts$" },
      to: {
        reachable: true,
        path: "^(node:)?(buffer|crypto|fs|os|path|stream|url|util|worker_threads|zlib)(/|$)|/(sharp|yauzl)/",
      },
    },
    {
      name: "sources-do-not-import-tests-or-fixtures",
      severity: "error",
      from: { path: "^(packages|apps)/[^/]+/src/" },
      to: { path: "/test/|^fixtures/|^bench/" },
    },
  ],
  options: {
    doNotFollow: { path: ["node_modules", "/dist/"] },
    exclude: { path: ["/test/", "^packages/[^/]+/dist/.*\\.d\\.ts$"] },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.base.json" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "types", "node"] },
  },
};
