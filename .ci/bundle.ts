// Bundles the program into one file: deno run --allow-all .ci/bundle.ts FILE. The worker that writes the ledger is bundled apart, and
// its text is at the beginning of the file. Why not simply load the same file in the worker? That takes 15 MB more memory.

const FLAGS = ["bundle", "--quiet", "--minify", "--output"];
const [output] = Deno.args;
if (output === undefined) throw new Error("name the file to write");
const thread = Deno.makeTempFileSync({ suffix: ".js" });
try {
  bundle("src/node/ledger_thread.ts", thread);
  bundle("src/cli/main.ts", output);
  const url = `data:text/javascript;base64,${Deno.readFileSync(thread).toBase64()}`;
  const main = Deno.readTextFileSync(output);
  Deno.writeTextFileSync(output, `globalThis.ledgerThread=${JSON.stringify(url)};\n${main}`);
} finally {
  Deno.removeSync(thread);
}

function bundle(entry: string, to: string): void {
  const { success, stderr } = new Deno.Command(Deno.execPath(), { args: [...FLAGS, to, entry] }).outputSync();
  if (!success) throw new Error(`deno bundle: ${new TextDecoder().decode(stderr)}`);
}
