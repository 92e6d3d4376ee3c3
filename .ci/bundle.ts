// Bundles the program into one file: deno run --allow-all .ci/bundle.ts FILE.

const [output] = Deno.args;
if (output === undefined) throw new Error("name the file to write");
const { success, stderr } = new Deno.Command(Deno.execPath(), {
  args: ["bundle", "--quiet", "--minify", "--output", output, "src/cli/main.ts"],
}).outputSync();
if (!success) throw new Error(`deno bundle: ${new TextDecoder().decode(stderr)}`);
