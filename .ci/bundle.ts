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

// Libraries import these modules of the runtime for what no start needs: to run other programs. To load them takes a tenth of the
// time until a start has found out whether the rules are right. So they are loaded once one of their functions is asked for.
const later = text.replace(
  /\bimport ([\w$]+) from"node:(child_process|fs)";/g,
  (_, name, module) =>
    `const ${name}=new Proxy({},{get:(_,key)=>globalThis.process.getBuiltinModule("node:${module}")[key]});`,
);
const escaped = later.replace(
  /[\u0080-\uffff]/g,
  (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
);
Deno.writeTextFileSync(output, escaped);
