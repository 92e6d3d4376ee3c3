// The program as it is shipped: the bundle that the Dockerfile makes, run with the flags of the Dockerfile's entry point.

const ROOT = new URL("../../", import.meta.url);
const DOCKERFILE = new URL("Dockerfile", ROOT);
const BUNDLE = new URL("dist/ledgerproxy.js", ROOT).pathname;
const INPUTS = ["src", "deno.json", "deno.lock", ".ci/bundle.ts"];

/** The arguments of deno in the image: permissions and flags of V8. */
export function imageArguments(): string[] {
  const text = Deno.readTextFileSync(DOCKERFILE).replaceAll("\\\n", "");
  const entrypoint = JSON.parse(/^ENTRYPOINT (\[.*\])$/m.exec(text)![1]!) as string[];
  return entrypoint.slice(1, -1);
}

/** The command that runs the bundle with `args` as the image does. */
export function imageCommand(...args: readonly string[]): string[] {
  return [Deno.execPath(), ...imageArguments(), bundle(), ...args];
}

let made = false;

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
