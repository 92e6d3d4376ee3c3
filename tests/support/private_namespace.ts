// Protects the machine: kernel tests run only in the network namespace that the test runner made for them.

/** The variable with the runner's namespace, as the link /proc/self/ns/net names it. */
export const NAMESPACE_VARIABLE = "LEDGERPROXY_TEST_NAMESPACE";

/** Throws unless this process is in the test runner's namespace. Call it at the top of every kernel test file. */
export function requirePrivateNamespace(): void {
  if (Deno.readLinkSync("/proc/self/ns/net") === Deno.env.get(NAMESPACE_VARIABLE)) return;
  throw new Error(
    "kernel tests change nftables: run them in a namespace of their own with `deno task test FILE`",
  );
}

/** Runs `nft` with `args`; returns its output. Throws with its messages when it fails or crashes. */
export function nft(args: readonly string[], input = ""): string {
  const path = Deno.makeTempFileSync();
  Deno.writeTextFileSync(path, input);
  try {
    const command = `nft ${args.join(" ")} < ${path}`;
    const { success, stdout, stderr, signal } = new Deno.Command("sh", { args: ["-c", command] })
      .outputSync();
    if (!success) {
      throw new Error(`nft ${args.join(" ")}: ${signal ?? ""} ${new TextDecoder().decode(stderr)}`);
    }
    return new TextDecoder().decode(stdout);
  } finally {
    Deno.removeSync(path);
  }
}
