// Runs tests and ends with a line of counts. Every file of tests/kernel and tests/cluster runs in a network namespace of
// its own, so that no test can touch the rules of the machine; the others run by room, beside them: many of the first
// wait for a clock or a disk most of their time.
//
//   deno task test [FILE ...]    all, or these
//   deno task unit               those that need neither root, a namespace, a browser nor the program as a process: in
//                                seconds, side by side, and of the simulation a few seeds

import { NAMESPACE_VARIABLE } from "./private_namespace.ts";
import { SKIPPED_VARIABLE } from "./skipped.ts";

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
  /** Names of the tests that failed. */
  names: readonly string[];
}

const ROOT = new URL("../../", import.meta.url);
const FLAGS = ["--allow-all", "--sanitize-ops", "--sanitize-resources", "--no-check", "--quiet"];
/** Runs before each file: without it an assertion about large values that fails may take all the memory of the machine. */
const PRELOAD = `--preload=${new URL("./bounded_assertions.ts", import.meta.url).pathname}`;
/** Seeds of the simulation among the unit tests. */
const UNIT_SEEDS = "5";
/** How long a run of `deno test` may take. A test whose server still owes an answer when it fails never ends. */
const RUN_MINUTES_MAX = 20;
/** Runs first in each namespace: brings up loopback and names the namespace to the tests. */
const ENTER = `ip link set lo up && export ${NAMESPACE_VARIABLE}=$(readlink /proc/self/ns/net) && exec "$@"`;
/** Joins both outputs of a command in their order. */
const JOINED = ["sh", "-c", 'exec "$@" 2>&1', "sh"];

const unit = Deno.args.includes("--unit");
const named = Deno.args.filter((arg) => arg !== "--unit");
const files = named.length > 0 ? named : [...testFiles("tests")].sort();
const needsNamespace = (file: string) => /tests\/(kernel|cluster)\//.test(file);
const startsProcess = (file: string) =>
  /cli\/main\.ts|support\/(browser|bundle)\.ts/.test(Deno.readTextFileSync(new URL(file, ROOT)));
const ordinary = files.filter((file) => !needsNamespace(file) && !(unit && startsProcess(file)));
const total: Counts = { passed: 0, failed: 0, skipped: 0, names: [] };
if (unit) Deno.env.set("SEEDS", UNIT_SEEDS);
const reasons = await Deno.makeTempFile();
Deno.env.set(SKIPPED_VARIABLE, reasons);
const rooms = unit ? [ordinary] : [...Map.groupBy(ordinary, (file) => file.split("/")[1]).values()];
const namespaced = unit ? [] : files.filter(needsNamespace);
// Outputs of two runs would mix: each is shown whole, at its end.
const alone = rooms.length + namespaced.length === 1;
await Promise.all([runRooms().then(runNamespaced), runNamespaced()]);

const { passed, failed, skipped, names } = total;
for (const reason of new Set((await Deno.readTextFile(reasons)).split("\n"))) {
  if (reason !== "") console.log(reason);
}
await Deno.remove(reasons);
const skipsFail = Deno.env.get("CI") === "true" && skipped > 0;
if (skipsFail) console.log("CI=true: a skipped test counts as a failure of the run");
// Failures are named again at the end, because their output is far above.
for (const name of names) console.log(`failed: ${name}`);
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
Deno.exit(failed > 0 || skipsFail || passed === 0 ? 1 : 0);

/** Runs the files that need no namespace, a room at a time. */
async function runRooms(): Promise<void> {
  for (const room of rooms) await runTests(room, [], unit ? ["--parallel"] : []);
}

/** Runs the next of the files that need a namespace, until none is left. */
async function runNamespaced(): Promise<void> {
  for (let file = namespaced.shift(); file !== undefined; file = namespaced.shift()) {
    await runTests([file], namespaceCommand());
  }
}

function* testFiles(folder: string): Generator<string> {
  for (const entry of Deno.readDirSync(new URL(folder, ROOT))) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) yield* testFiles(path);
    else if (entry.name.endsWith("_test.ts")) yield path;
  }
}

/** How to run a command in a fresh network namespace: as root, or in a user namespace. */
function namespaceCommand(): string[] {
  const user = Deno.uid() === 0 ? [] : ["--map-root-user"];
  return ["unshare", ...user, "--net", "--", "sh", "-c", ENTER, "sh"];
}

/** Runs one `deno test` behind `prefix` and adds up what its JUnit report counts. */
async function runTests(
  paths: readonly string[],
  prefix: readonly string[],
  flags: readonly string[] = [],
): Promise<void> {
  const report = await Deno.makeTempFile({ suffix: ".xml" });
  const [command, ...args] = [
    ...(alone ? [] : JOINED),
    ...prefix,
    Deno.execPath(),
    "test",
    ...FLAGS,
    PRELOAD,
    ...flags,
    `--junit-path=${report}`,
    ...paths,
  ];
  const options = {
    args,
    cwd: ROOT,
    stdin: "null",
    stdout: alone ? "inherit" : "piped",
    stderr: "inherit",
    signal: AbortSignal.timeout(RUN_MINUTES_MAX * 60_000),
  } as const;
  const output = await new Deno.Command(command!, options).output();
  if (!alone) console.log(new TextDecoder().decode(output.stdout));
  if (options.signal.aborted) console.log(`not over after ${RUN_MINUTES_MAX} minutes: ${paths.join(" ")}`);
  const xml = await Deno.readTextFile(report);
  await Deno.remove(report);
  const counts = readCounts(xml);
  // A run that died has no report, or one without the failure that it died of.
  if (!output.success && counts.failed === 0) Object.assign(counts, { failed: 1, names: [paths.join(" ")] });
  for (const key of ["passed", "failed", "skipped"] as const) total[key] += counts[key];
  total.names = [...total.names, ...counts.names];
}

/** Tests counted by the attributes of the report's root element. */
function readCounts(xml: string): Counts {
  const root = /<testsuites[^>]*>/.exec(xml)?.[0] ?? "";
  const count = (name: string) => Number(new RegExp(`\\b${name}="(\\d+)"`).exec(root)?.[1] ?? 0);
  const skipped = (xml.match(/<skipped/g) ?? []).length;
  const failed = count("failures") + count("errors");
  const cases = [...xml.matchAll(/<testcase\b([^>]*[^/])>\s*<(?:failure|error)\b/g)];
  const names = cases.map(([, attributes]) => {
    const value = (name: string) => new RegExp(`\\b${name}="([^"]*)"`).exec(attributes!)?.[1] ?? "";
    return `${value("classname")}: ${value("name")}`;
  });
  return { passed: count("tests") - failed - skipped, failed, skipped, names };
}
