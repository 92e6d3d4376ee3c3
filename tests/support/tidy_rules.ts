// The style as rules over source files, each a pure function from files to findings, so that each can be shown to fail.

/** Files by path from the repository's root: `src/nft/text.ts`. */
export type Sources = ReadonlyMap<string, string>;

/** What a room may import, itself aside: data flows left to right, imports go right to left. `type:` is types only. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  kube: ["type:nft"],
  nft: [],
  ingest: ["kube", "type:ledger"],
  ledger: ["kube"],
  fold: ["kube", "nft", "type:ledger"],
  plan: ["nft", "fold", "type:ledger"],
  kernel: ["nft"],
  history: ["kube", "nft", "fold", "plan", "type:ledger"],
  library: ["type:fold", "ledger", "history"],
  engine: ["kube", "nft", "fold", "plan", "ingest", "kernel", "type:ledger"],
  serve: ["nft", "type:engine", "type:ingest", "type:ledger"],
  report: ["kube", "nft", "fold", "history", "type:ledger"],
  node: ["kube", "nft", "fold", "plan", "ingest", "kernel", "ledger", "engine", "serve"],
  cli: [
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
const ROOT_FILES = ["invariant.ts", "limits.ts", "printable.ts"];
const PURE =
  /^src\/(kube|nft|fold|plan|history)\/|^src\/report\/\w+\.ts$|^src\/ingest\/(answer|api_failure|backoff|cuts|framing|gathering|listing|liveness|reflector|reflector_state|reflector_request|reflector_failure|relist|resources|server_address|source)\.ts$|^src\/engine\/(engine|sync_report|commit_record|disagreement|healer|healing|held_list|batch|operation_owner)\.ts$/;
const IMPURE =
  /\basync\b|\bawait\b|\bDate\b(?!\.parse\b)|\bMath\.random\b|\bDeno\.|\bsetTimeout\b|\bsetInterval\b|\bperformance\b|\bconsole\b|@logtape|prom-client/;
const LINES_MAX = 500;
const FUNCTION_LINES_MAX = 70;
const NAMELESS = /\/(utils?|helpers?|common|misc|types|index)\.ts$/;
const VAGUE =
  /\bexport (?:class|function|interface|const|type) (\w*(?:Manager|Handler|Processor|Helper|Util|Impl|Base|Info))\b/;

/** Every rule by the sentence it enforces. */
export const RULES: Readonly<Record<string, (sources: Sources) => string[]>> = {
  "imports go against the flow of data": importDirection,
  "the middle is pure": (sources) =>
    each(sources, ([path, text]) => PURE.test(path) && IMPURE.exec(withoutComments(text))?.[0]),
  "a file has at most 500 lines": (sources) =>
    each(sources, ([, text]) => text.split("\n").length > LINES_MAX && "too long"),
  "a function has at most 70 lines": longFunctions,
  "every file opens with a comment": (sources) =>
    each(sources, ([, text]) => !/^(\/\/|\/\*\*)/.test(text) && "no comment"),
  "file names say something": (sources) => each(sources, ([path]) => NAMELESS.exec(path)?.[1]),
  "exported names say something": (sources) => each(sources, ([, text]) => VAGUE.exec(text)?.[1]),
  "no default exports, no export of everything": (sources) =>
    each(sources, ([, text]) => /^export (default|\*)/m.exec(text)?.[0]),
  "each third-party package is imported in one file": onePlaceImports,
  "no file is dead": deadFiles,
};

/** One finding for each file for which `find` returns text. */
function each(sources: Sources, find: (source: [string, string]) => string | false | undefined): string[] {
  return [...sources].flatMap(([path, text]) => {
    const found = find([path, text]);
    return found ? [`${path}: ${found}`] : [];
  });
}

interface Import {
  readonly specifier: string;
  readonly typeOnly: boolean;
}

function imports(text: string): Import[] {
  const code = withoutComments(text);
  const found = code.matchAll(/^(?:import|export)\s+(type\s+)?(?:([^;"]*?)\s*from\s+)?"([^"]+)"/gm);
  const atStart = [...found].map(([, type, names, specifier]) => ({
    specifier: specifier!,
    typeOnly: type !== undefined ||
      (names !== undefined && /^\{[^}]*\}$/.test(names.trim()) && allTypes(names)),
  }));
  const later = code.matchAll(/\bimport\("([^"]+)"\)/g);
  return [...atStart, ...[...later].map(([, specifier]) => ({ specifier: specifier!, typeOnly: false }))];
}

function allTypes(names: string): boolean {
  return names.replace(/[{}]/g, "").split(",").map((name) => name.trim()).filter((name) => name !== "").every(
    (name) => name.startsWith("type "),
  );
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "").replace(/\s\/\/ .*$/gm, "");
}

function roomOf(path: string): string | undefined {
  return /^src\/(\w+)\//.exec(path)?.[1];
}

/** The file a relative import means. */
function resolve(from: string, specifier: string): string {
  return new URL(specifier, `file:///${from}`).pathname.slice(1);
}

function importDirection(sources: Sources): string[] {
  return [...sources].flatMap(([path, text]) => {
    const room = roomOf(path);
    if (room === undefined) return [];
    return imports(text).filter(({ specifier }) => specifier.startsWith(".")).flatMap(
      ({ specifier, typeOnly }) => {
        const target = resolve(path, specifier);
        const other = roomOf(target);
        if (other === room || ROOT_FILES.some((file) => target === `src/${file}`) || target === "deno.json") {
          return [];
        }
        const allowed = MAY_IMPORT[room] ?? [];
        if (
          other !== undefined && (allowed.includes(other) || (typeOnly && allowed.includes(`type:${other}`)))
        ) return [];
        return [`${path}: ${room} imports ${target}${typeOnly ? "" : ", and not only types"}`];
      },
    );
  });
}

/** Functions by their braces at the start of a line: what deno fmt makes of every declaration and method. */
function longFunctions(sources: Sources): string[] {
  return [...sources].flatMap(([path, text]) => {
    const lines = text.split("\n");
    return lines.flatMap((line, start) => {
      const open = /^(\s*)(?:export )?(?:static |async )*(?:function\*? |get |#?\w+\().*\{$/.exec(line);
      const other = /^\s*(if|for|while|switch|return|else)\b|=> \{$/;
      if (open === null || other.test(line)) return [];
      const end = lines.findIndex((other, i) => i > start && other === `${open[1]}}`);
      return end - start + 1 > FUNCTION_LINES_MAX ? [`${path}:${start + 1}: ${end - start + 1} lines`] : [];
    });
  });
}

function onePlaceImports(sources: Sources): string[] {
  const places = new Map<string, string[]>();
  for (const [path, text] of sources) {
    for (const { specifier } of imports(text)) {
      if (/^(\.|node:)/.test(specifier)) continue;
      places.set(specifier, [...places.get(specifier) ?? [], path]);
    }
  }
  return [...places].filter(([, paths]) => paths.length > 1).map(([name, paths]) =>
    `${name}: ${paths.join(", ")}`
  );
}

/** Files of src that neither the library nor the program nor a report's page reaches. */
function deadFiles(sources: Sources): string[] {
  const reached = new Set<string>();
  const open = ["mod.ts", "src/cli/main.ts", "src/report/page/main.ts"].filter((path) => sources.has(path));
  for (let path; (path = open.pop()) !== undefined;) {
    if (reached.has(path) || !sources.has(path)) continue;
    reached.add(path);
    for (const { specifier } of imports(sources.get(path)!)) {
      if (specifier.startsWith(".")) open.push(resolve(path, specifier));
    }
  }
  return [...sources.keys()].filter((path) => path.startsWith("src/") && !reached.has(path));
}
