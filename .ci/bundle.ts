// Bundles the program into one file: deno run --allow-all .ci/bundle.ts FILE.

const [output] = Deno.args;
if (output === undefined) throw new Error("name the file to write");
const { success, stderr } = new Deno.Command(Deno.execPath(), {
  args: ["bundle", "--quiet", "--minify", "--output", output, "src/cli/main.ts"],
}).outputSync();
if (!success) throw new Error(`deno bundle: ${new TextDecoder().decode(stderr)}`);

// One character outside of Latin-1 makes V8 hold the whole text with two bytes a character, and outside of ASCII the runtime
// copies it at each start. All of them are in texts and patterns, where an escape means the same.
const text = Deno.readTextFileSync(output);
const escaped = text.replace(
  /[\u0080-\uffff]/g,
  (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
);
Deno.writeTextFileSync(output, escaped);
