// The style as rules over source files, each a pure function from files to findings, so that each can be shown to fail.
// What a rule measures is in tests/support/tidy; the tables that say which room may do what are here.

import { longFiles, longFunctions, opensWithComment } from "./tidy/sizes.ts";
import { boundsInPlace } from "./tidy/bounds.ts";
import { castsByRoom } from "./tidy/casts.ts";
import { circles, deadFiles, importDirection, onePlaceImports } from "./tidy/imports.ts";
import { alikeExports, exportStyle, fileNames, unusedExports, vagueExports } from "./tidy/names.ts";
import { impurities } from "./tidy/purity.ts";
import { foundTests, listedFiles } from "./tidy/found_tests.ts";
import { fixedPlurals } from "./tidy/plurals.ts";
import { inlinedUsings } from "./tidy/usings.ts";
import { bannedWords, undefinedTerms } from "./tidy/words.ts";
import { longLines } from "./tidy/markdown.ts";
import { missingFiles, missingNames } from "./tidy/references.ts";
import { counted, type Counts, type Finding, findings, type Sources } from "./tidy/sources.ts";

/** What a room may import, itself aside: data flows left to right, imports go right to left. `type:` is types only. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  kube: ["type:nft"],
  nft: [],
  ingest: ["kube", "type:ledger"],
  ledger: ["kube"],
  fold: ["kube", "nft", "type:ledger"],
  plan: ["kube", "nft", "fold", "type:ledger"],
  kernel: ["nft"],
  history: ["kube", "nft", "fold", "plan", "type:ledger"],
  library: ["fold", "ledger", "history"],
  engine: ["kube", "nft", "fold", "plan", "ingest", "kernel", "type:ledger"],
  serve: ["kube", "nft", "type:fold", "type:engine", "type:ingest", "type:ledger"],
  report: ["kube", "nft", "fold", "history", "type:ledger"],
  node: ["kube", "nft", "fold", "plan", "ingest", "kernel", "ledger", "engine", "serve"],
  install: ["node", "serve", "ingest", "kube", "nft"],
  cli: [
    "install",
    "kube",
    "nft",
    "fold",
    "plan",
    "ingest",
    "kernel",
    "ledger",
    "engine",
    "serve",
    "history",
    "library",
    "report",
    "node",
  ],
};
const PURE =
  /^src\/(kube|nft|fold|plan|history|limits)\/|^src\/report\/\w+\.ts$|^src\/ingest\/(answer|api_failure|backoff|body|cuts|framing|gathering|json_list|json_page|json_pieces|listing|liveness|manifest_list|protobuf_fields|protobuf_framing|protobuf_message|reflector|reflector_state|reflector_request|reflector_failure|relist|resources|server_address|shared_texts|source)\.ts$|^src\/engine\/(engine|sync_report|commit_record|appended|commit|effect|engine_state|kernel_tables|listing|healer|healing|held_list|batch|operation_owner)\.ts$|^src\/ledger\/handoff\.ts$/;

/** What every room may import. */
const ROOT_FILES = [
  "src/bounded_body.ts",
  "src/byte_chunks.ts",
  "src/count_text.ts",
  "src/invariant.ts",
  "src/limits/commits.ts",
  "src/limits/input.ts",
  "src/limits/ledger.ts",
  "src/limits/questions.ts",
  "src/limits/rules.ts",
  "src/limits/serving.ts",
  "src/json_parts.ts",
  "src/pause.ts",
  "src/second.ts",
  "src/printable.ts",
  "src/sha256.ts",
  "src/thrown.ts",
  "deno.json",
];
/** Where programs and pages start; what none of them reaches is dead. */
const ENTRIES = [
  "mod.ts",
  "src/cli/main.ts",
  "src/report/page/main.ts",
  "src/install/chart.ts",
  "src/install/kustomize.ts",
];

/** Rules that hold everywhere, by the sentence they enforce. */
export const RULES: Readonly<Record<string, (sources: Sources) => Finding[]>> = {
  "imports go against the flow of data": (sources) => importDirection(sources, MAY_IMPORT, ROOT_FILES),
  "the middle is pure": (sources) => impurities(sources, PURE),
  "every file opens with a comment": opensWithComment,
  "file names say something": fileNames,
  "exported names say something": vagueExports,
  "no default exports, no export of everything": exportStyle,
  "what is exported is used by another file": unusedExports,
  "each third-party package is imported in one file": onePlaceImports,
  "bounds that several files rely on are in one folder, and each is used": boundsInPlace,
  "no file is dead": (sources) => deadFiles(sources, ENTRIES),
  "pages and comments name files that exist": missingFiles,
  "the pages about the code name what the code has": missingNames,
  "each source file has a test of its own name, or is listed with the test that covers it": foundTests,
};

/** Rules that do not hold everywhere yet. allowances.json counts, by key, the exceptions that are left. */
export const RATCHETS: Readonly<Record<string, (sources: Sources) => Counts>> = {
  "a file has at most 500 lines": (sources) => counted(longFiles(sources)),
  "a function has at most 70 lines": (sources) => counted(longFunctions(sources)),
  "imports make no circle": (sources) => counted(circles(sources)),
  "no two exported names are alike": (sources) => counted(alikeExports(sources)),
  "a `using` is used never, or more than once": (sources) => counted(inlinedUsings(sources)),
  "casts with `as` become fewer": castsByRoom,
  "the noun behind a number has the form that the number asks for": (sources) =>
    counted(fixedPlurals(sources)),
  "words that have no meaning of their own go": bannedWords,
  "terms are in the map's table of words": (sources) => counted(undefinedTerms(sources)),
  "lines of Markdown wrap at 100 columns": (sources) => counted(longLines(sources)),
  "files without a test of their own name become fewer": listedFiles,
};

/** What a ratchet finds beyond what it is allowed. */
export function beyond(found: Counts, allowed: Counts): Finding[] {
  return findings(found, (key, count) => {
    const limit = allowed[key] ?? 0;
    return count > limit ? `${count}, ${limit} allowed` : undefined;
  });
}

/** `allowed`, lowered to what is found: an allowance never grows by itself. */
export function lowered(found: Counts, allowed: Counts): Counts {
  const entries = Object.entries(allowed).flatMap(([key, limit]): [string, number][] => {
    const count = Math.min(limit, found[key] ?? 0);
    return count > 0 ? [[key, count]] : [];
  });
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}
