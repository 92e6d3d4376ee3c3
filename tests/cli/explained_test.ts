// No error of the world ends a command as a fault of the program, with a stack.

import assert from "node:assert/strict";
import { EXPLAINED, isExplained, WRONG_USAGE } from "../../src/cli/explained.ts";
import { KernelRejection } from "../../src/kernel/kernel_rejection.ts";
import { ERRNO } from "../../src/kernel/system_error.ts";
import { ledgerproxy } from "../support/run_program.ts";
import { repositorySources } from "../support/tidy/repository.ts";
import { writeKubeconfig } from "../support/written_kubeconfig.ts";

/** Classes of errors that are in no list, and why. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  AmbiguousPatch: "kwok_recording.ts leaves the patch out, with a line about it",
  CommanderError: "main.ts: wrong usage, or help",
  DiskRefused: "run_ledger.ts makes rules without the ledger",
  EncodingFailure: "an ApiFailure",
  InvariantError: "a fault of the program",
  LedgerNotFound: "arguments.ts makes a UsageError of it",
  NothingFound: "main.ts: an exit code of its own",
  NotLoaded: "ledger_files.ts loads the file",
  OutputClosed: "main.ts: `| head` has what it wants",
  PluginKilled: "plugin_credentials.ts makes a KubeconfigProblem of it",
  UnknownRecording: "import.ts makes a UsageError of it",
  UnreadableMessage: "the framing makes an ApiFailure of it",
  WrongName: "the library's; commands resolve names themselves",
};

Deno.test("every class of errors is in a list, or caught before", () => {
  const files = [...repositorySources()].filter(([path]) => path.startsWith("src/"));
  const classes = files.flatMap(([, text]) =>
    [...text.matchAll(/^export class (\w+) extends (?:\w*Error|ApiFailure)\b/gm)].map(([, name]) => name!)
  );
  assert.ok(classes.length > 20, `${classes.length} classes`);
  const listed = new Set<string>([...WRONG_USAGE, ...EXPLAINED].map(({ name }) => name));
  assert.deepEqual(classes.filter((name) => !listed.has(name) && !(name in ELSEWHERE)), []);
  assert.deepEqual(Object.keys(ELSEWHERE).filter((name) => listed.has(name)), []);
});

Deno.test("an API server that cannot be reached, a file that is too long and a pipe are explained", async () => {
  const folder = await Deno.makeTempDir();
  const server = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = server.addr as Deno.NetAddr;
  server.close();
  const kubeconfig = writeKubeconfig(folder, port);
  Deno.writeFileSync(`${folder}/long`, new Uint8Array(2 << 20));
  await new Deno.Command("mkfifo", { args: [`${folder}/pipe`] }).output();
  const ledger = "fixtures/recordings/evening";
  const cases: [args: readonly string[], text: RegExp, code: number][] = [
    [["manifest", "--image", "i", "--for", "kubeadm", "--kubeconfig", kubeconfig], /Connection refused/, 3],
    [["verify", ledger, "--witness", "lease", "--kubeconfig", kubeconfig], /Connection refused/, 2],
    [
      ["verify", ledger, "--witness", `http://127.0.0.1:${port}/federate`],
      /--witness .*Connection refused/,
      2,
    ],
    [["verify", ledger, "--witness", "http://[bad/"], /--witness .*Invalid URL/, 2],
    [["verify", ledger, "--key", `${folder}/long`], /--key .*long: more than 1048576 bytes/, 2],
    [["verify", ledger, "--key", `${folder}/pipe`], /--key .*pipe: it is a pipe/, 2],
  ];
  for (const [args, text, code] of cases) {
    const { stderr, code: ended } = await ledgerproxy(args);
    assert.match(stderr, text, args.join(" "));
    assert.doesNotMatch(stderr, /fault of this program|\n {4}at /, args.join(" "));
    assert.equal(ended, code, stderr);
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a batch that the kernel refuses, and an error of the system without a class, are explained", () => {
  assert.ok(isExplained(new KernelRejection(null, ERRNO.EBUSY)));
  assert.ok(isExplained(Object.assign(new Error("no space left"), { code: "ENOSPC" })));
  assert.ok(!isExplained(new TypeError("x is undefined")));
});
