// The program as it is shipped: the bundle that the Dockerfile makes, run with the flags of the Dockerfile's entry point. Here
// alone the flags of tests come from: the Dockerfile names paths of the image, and a test adds those that it uses.

const ROOT = new URL("../../", import.meta.url);
/**
 * A checkout of another version, with its bundle, that the tests run instead: so a test shows that it fails on the version
 * before (CONTRIBUTING.md).
 */
const OTHER_CHECKOUT = Deno.env.get("LEDGERPROXY_CHECKOUT");
export const CHECKOUT = OTHER_CHECKOUT === undefined ? ROOT : new URL(`file://${OTHER_CHECKOUT}/`);
const DOCKERFILE = new URL("Dockerfile", CHECKOUT);
const BUNDLE = new URL("dist/ledgerproxy.js", CHECKOUT).pathname;
const INPUTS = ["src", "deno.json", "deno.lock", ".ci/bundle.ts"];

/** The command of the image that `dockerfile` makes, as a container runtime starts it. */
export function imageEntrypoint(dockerfile: string | URL = DOCKERFILE): string[] {
  const text = Deno.readTextFileSync(dockerfile).replaceAll("\\\n", "");
  return JSON.parse(/^ENTRYPOINT (\[.*\])$/m.exec(text)![1]!) as string[];
}

/** The variables that the image sets. */
export function imageEnvironment(): Record<string, string> {
  const variables = Deno.readTextFileSync(DOCKERFILE).matchAll(/^ENV (\w+)=(\S+)$/gm);
  return Object.fromEntries([...variables].map(([, name, value]) => [name!, value!]));
}

/**
 * The arguments of deno in the image, permissions and flags of V8, for the program at `path` with `args`. Where they name
 * absolute paths, those are allowed too: the folder of the ledger and an output to write, all of them to read, and of a
 * kubeconfig and a configuration what is beside them, and the certificates of the fixtures.
 */
export function imageArguments(path: string, args: readonly string[]): string[] {
  const after = (...flags: string[]) =>
    args.flatMap((arg, i) => flags.includes(args[i - 1] ?? "") && arg.startsWith("/") ? [arg] : []);
  const written = [...after("--ledger"), ...after("--output", "-o")];
  const beside = [path, ...after("--kubeconfig", "--config")].map((file) => file.replace(/\/[^/]*$/, ""));
  const fixtures = new URL("fixtures", ROOT).pathname;
  const read = [...beside, fixtures, ...args.filter((arg) => arg.startsWith("/"))];
  return imageEntrypoint().slice(1, -1).map((flag) => {
    if (flag.startsWith("--allow-write=")) return [flag, ...written].join();
    return flag.startsWith("--allow-read=") ? [flag, ...new Set(read)].join() : flag;
  });
}

/** The command that runs the bundle with `args` as the image does. */
export function imageCommand(...args: readonly string[]): string[] {
  return [Deno.execPath(), ...imageArguments(bundle(), args), bundle(), ...args];
}

/** `command` with a module that runs before the program and may write the files `written`. */
export function preloaded(
  command: readonly string[],
  module: string,
  written: readonly string[] = [],
): string[] {
  const [program, verb, ...args] = command.map((word) =>
    /^--allow-(read|write)=/.test(word) ? [word, ...written].join() : word
  );
  return [program!, verb!, `--preload=${module}`, ...args];
}

let made = OTHER_CHECKOUT !== undefined;

/** The path of the bundle. It is made first where its sources are newer. Several processes may call this at once. */
export function bundle(): string {
  if (made) return BUNDLE;
  Deno.mkdirSync(new URL("dist", ROOT), { recursive: true });
  const lock = Deno.openSync(new URL("dist/bundle.lock", ROOT), { write: true, create: true });
  try {
    lock.lockSync(true);
    if (modified(BUNDLE) <= Math.max(...INPUTS.map((path) => newest(new URL(path, ROOT).pathname)))) make();
  } finally {
    lock.close();
  }
  made = true;
  return BUNDLE;
}

/** Bundles into a temporary file, which then replaces the bundle: a reader never sees half of one. */
function make(): void {
  const task = JSON.parse(Deno.readTextFileSync(new URL("deno.json", ROOT))).tasks.bundle as string;
  if (!Deno.readTextFileSync(DOCKERFILE).includes("deno task bundle")) {
    throw new Error("the Dockerfile does not make its program by `deno task bundle`");
  }
  // Deno 2.9.6 finishes a bundle, so that `require` works in it, only where its name ends so.
  const next = `${BUNDLE}.next.js`;
  const [, ...args] = task.split(" ").map((word) => word === "dist/ledgerproxy.js" ? next : word);
  if (!args.includes(next)) throw new Error(`dist/ledgerproxy.js is not what \`${task}\` makes`);
  const { success, stderr } = new Deno.Command(Deno.execPath(), { args, cwd: ROOT }).outputSync();
  if (!success) throw new Error(`${task}: ${new TextDecoder().decode(stderr)}`);
  Deno.renameSync(next, BUNDLE);
}

/** When a file or anything in a folder was last changed, in milliseconds since 1970. */
function newest(path: string): number {
  if (!Deno.statSync(path).isDirectory) return modified(path);
  return Math.max(
    modified(path),
    ...[...Deno.readDirSync(path)].map(({ name }) => newest(`${path}/${name}`)),
  );
}

function modified(path: string): number {
  try {
    return Deno.statSync(path).mtime!.getTime();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}
