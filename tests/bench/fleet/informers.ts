// Builds the clients of kube-proxy's kind from client-go, unless the cache has them. As a program it does that alone, for a bench that
// runs without a network.

const VERSION = "0.37.2";
const MODULES = ["client-go", "apimachinery", "api"];

/** The program: `informers N KUBECONFIG`. Throws where it cannot be built. */
export async function informers(): Promise<string> {
  const source = await Deno.readTextFile(new URL("informers/main.go", import.meta.url));
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(source)));
  const cache = Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME")}/.cache`;
  const program = `${cache}/ledgerproxy/informers-${VERSION}-${hash.toHex().slice(0, 12)}`;
  if (await Deno.stat(program).then(() => true, () => false)) return program;
  console.error(`building informers of client-go ${VERSION} into ${program} (a minute, once)`);
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/main.go`, source);
    await go(folder, "mod", "init", "ledgerproxy/informers");
    await go(folder, "mod", "edit", ...MODULES.map((name) => `-require=k8s.io/${name}@v${VERSION}`));
    await go(folder, "build", "-mod=mod", "-ldflags=-s -w", `-o=${program}`, ".");
    return program;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function go(cwd: string, ...args: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("go", { args: [...args], cwd, stdout: "null" }).output();
  if (!success) throw new Error(`go ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}

if (import.meta.main) await informers();
