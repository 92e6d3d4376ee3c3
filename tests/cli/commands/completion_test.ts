// What a shell completes with the script that `completion` prints.

import assert from "node:assert/strict";
import { folderStorage } from "../../../src/ledger/storage.ts";
import { appears, service, slice } from "../../support/cluster_notation.ts";
import { writeIncident } from "../../support/incident.ts";
import { writeCommitted } from "../../support/past.ts";
import { ledgerproxy } from "../../support/run_program.ts";

/** Defines the command as a function of a shell. */
const COMMAND = `${Deno.execPath()} run -A --no-check --quiet ${
  new URL("../../../src/cli/main.ts", import.meta.url).pathname
}`;

Deno.test("bash, zsh and fish complete the names of Services that the ledger knows", async () => {
  const folder = Deno.makeTempDirSync();
  const { service } = writeIncident(folder, 0);
  const text = async (shell: string) => (await ledgerproxy(["completion", shell])).stdout;
  const words = `ledgerproxy blame --ledger ${folder} ${service}`.split(" ").map((word) => `'${word}'`).join(
    " ",
  );
  const bash = `ledgerproxy() { ${COMMAND} "$@"; }
${await text("bash")}
COMP_WORDS=(${words}); COMP_CWORD=4; _ledgerproxy; echo "\${COMPREPLY[*]}"`;
  const fish = `function ledgerproxy; ${COMMAND} $argv; end
${await text("fish")}
complete -C 'ledgerproxy blame --ledger ${folder} ${service}'
complete -C 'ledgerproxy log --kind d'
complete -C 'ledgerproxy run --logging-format j'
complete -C 'ledgerproxy log --since y'
complete -C 'ledgerproxy run --masquerade-all=t'
complete -C 'ledgerproxy out'`;
  const [inBash, inFish] = await Promise.all(
    [["bash", "--norc", "-c", bash], ["fish", "--no-config", "-c", fish]].map(async ([program, ...args]) => {
      const { stdout, stderr } = await new Deno.Command(program!, { args }).output();
      assert.equal(new TextDecoder().decode(stderr), "");
      return new TextDecoder().decode(stdout).split("\n").map((line) => line.split("\t")[0]!);
    }),
  );
  assert.deepEqual(inBash, [service, ""]);
  assert.deepEqual(inFish, [
    ...[service, "drift", "json", "yesterday", "--masquerade-all=true", "outages", ""],
  ]);
  Deno.removeSync(folder, { recursive: true });
});

/** Text that a shell could run. */
const HARMFUL = [
  "$(touch proof)",
  "`touch proof`",
  "*",
  ";touch proof",
  "(e:'touch proof':)",
  "\ntouch proof\n",
];

/** Whether a shell ran a harmful text in `folder`. */
function hasProof(folder: string): boolean {
  return [...Deno.readDirSync(folder)].some(({ name }) => name.startsWith("proof"));
}

/** A text as one word of a shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** What a shell passes to the program after the keys of each of `lines`; TAB is among the keys. `names`: the lines that answer for names. */
async function typed(shell: "bash" | "zsh", folder: string, names: string, lines: readonly string[]) {
  const { stdout: script } = await ledgerproxy(["completion", shell]);
  await Deno.writeTextFile(
    `${folder}/rc`,
    `ledgerproxy() { if [ "$1" = completion ]; then ${names}; else printf '[%s]' "$@"; echo; fi; }\n${script}\n`,
  );
  const command = shell === "bash" ? `bash --rcfile ${folder}/rc -i` : "zsh -f -i";
  const terminal = new Deno.Command("script", {
    args: ["--quiet", "--return", "--command", `stty cols 2000; ${command}`, "/dev/null"],
    cwd: folder,
    env: { TERM: "dumb", PS1: "> ", HISTFILE: "", ZDOTDIR: folder },
    ...{ stdin: "piped", stdout: "piped", stderr: "null" },
  }).spawn();
  const keys = terminal.stdin.getWriter();
  const first = shell === "bash" ? [] : [`. ${folder}/rc`];
  await keys.write(new TextEncoder().encode([...first, ...lines, "exit", ""].join("\n")));
  const { stdout } = await terminal.output();
  await keys.close();
  const shown = new TextDecoder().decode(stdout);
  return [...shown.matchAll(/^\[(.*)\]\r?$/gm)].map((line) => line[1]!.split("]["));
}

Deno.test("bash and zsh complete commands, flags and their values", async () => {
  const folder = Deno.makeTempDirSync();
  for (const shell of ["bash", "zsh"]) {
    const { stdout } = await ledgerproxy(["completion", shell]);
    await Deno.writeTextFile(`${folder}/${shell}`, stdout);
  }
  const complete = async (words: string) => {
    const all = words.split(" ");
    const script = `. ${folder}/bash; COMP_WORDS=(${all.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${
      all.length - 1
    }; _ledgerproxy; echo "\${COMPREPLY[*]}"`;
    const { stdout } = await new Deno.Command("bash", { args: ["--norc", "-c", script] }).output();
    return new TextDecoder().decode(stdout).trim();
  };
  assert.equal(await complete("ledgerproxy bl"), "blame");
  assert.equal(await complete("ledgerproxy log --ki"), "--kind");
  assert.equal(await complete("ledgerproxy log --kind d"), "drift");
  assert.equal(await complete("ledgerproxy completion z"), "zsh");
  assert.equal(await complete("ledgerproxy log --since H"), "HEAD HEAD~1");
  assert.equal(await complete("ledgerproxy run --detect-local-mode N"), "NodeCIDR");
  assert.equal(await complete("ledgerproxy bisect --expect r"), "refused");
  assert.equal(await complete("ledgerproxy run --masquerade-all t"), "true");
  assert.equal(await complete("ledgerproxy run --masquerade-all --cl"), "--cluster-cidr");
  const { success, stderr } = await new Deno.Command("zsh", {
    args: ["-f", "-c", `. ${folder}/zsh && [ -n "$_comps[ledgerproxy]" ]`],
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  await Deno.remove(folder, { recursive: true });
});

Deno.test("bash and zsh complete the value of a flag in each of its forms, and files where a flag has one", async () => {
  const folder = Deno.makeTempDirSync();
  Deno.writeTextFileSync(`${folder}/a file`, "");
  for (const shell of ["bash", "zsh"] as const) {
    const lines = [
      ...["services -o w", "services --output w", "services --output=w", "report -o a", "replay a"],
      ...["run --nodeport-addresses=p", "run --masquerade-all f"],
    ];
    assert.deepEqual(
      await typed(shell, folder, "echo none", lines.map((line) => `ledgerproxy ${line}\t`)),
      [
        ["services", "-o", "wide"],
        ["services", "--output", "wide"],
        ["services", "--output=wide"],
        ["report", "-o", "a file"],
        ["replay", "a file"],
        ["run", "--nodeport-addresses=primary"],
        ["run", "--masquerade-all", "false"],
      ],
      shell,
    );
  }
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("names that no object can have are not offered, and no shell runs what is in them", async () => {
  const folder = Deno.makeTempDirSync();
  const [web, pods] = [
    service("shop/web 10.96.0.1 http:80/tcp"),
    slice("shop/web-a http:8080/tcp 10.244.0.1"),
  ];
  const named = (name: string) => appears({ ...web, metadata: { ...web.metadata, name } });
  const endpoints = HARMFUL.map((name, i) => ({
    ...pods.endpoints[0]!,
    addresses: [`10.244.0.${i + 1}`],
    targetRef: { kind: "Pod", name: `p${name}` },
  }));
  writeCommitted(folderStorage(`${folder}/ledger`, true), [
    [
      appears(web),
      ...HARMFUL.map((name) => named(`w${name}`)),
      named("-web"),
      appears({ ...pods, endpoints }),
    ],
  ]);
  const names = `${COMMAND} "$@"`;
  const line = `ledgerproxy blame --ledger ${folder}/ledger shop/`;
  for (const shell of ["bash", "zsh"] as const) {
    assert.deepEqual(
      await typed(shell, folder, names, [`${line}w\t`, `${line}p\t`]),
      ["web", "p"].map((name) => ["blame", "--ledger", `${folder}/ledger`, `shop/${name}`]),
      shell,
    );
  }
  const fish = `function ledgerproxy; ${COMMAND} $argv; end
${(await ledgerproxy(["completion", "fish"])).stdout}
complete -C '${line}'`;
  const { stdout } = await new Deno.Command("fish", { args: ["--no-config", "-c", fish], cwd: folder })
    .output();
  assert.deepEqual(new TextDecoder().decode(stdout).split("\n").map((one) => one.split("\t")[0]), [
    "shop/web",
    "",
  ]);
  assert.ok(!hasProof(folder));
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("flags that name a namespace, node, pod or zone complete those that the ledger knows", async () => {
  const folder = Deno.makeTempDirSync();
  const pods = slice("shop/web-a http:8080/tcp 10.244.0.1@worker-7");
  const endpoints = pods.endpoints.map((one) => ({
    ...one,
    targetRef: { kind: "Pod", name: "web-0" },
    hints: { forZones: [{ name: "Zone_1" }] },
  }));
  const batch = [
    appears(service("shop/web 10.96.0.1 http:80/tcp")),
    appears(service("pay/bill 10.96.0.2 http:80/tcp")),
    appears({ ...pods, endpoints }),
  ];
  writeCommitted(folderStorage(`${folder}/ledger`, true), [batch]);
  const lines = [
    ["log", "--node ", "worker-7"],
    ["log", "--node=w", "worker-7"],
    ["log", "--pod ", "shop/web-0"],
    ["log", "--zone Z", "Zone_1"],
    ["log", "--namespace p", "pay"],
    ["plan", "-n s", "shop"],
  ] as const;
  const line = (command: string, flag: string) => `ledgerproxy ${command} --ledger ${folder}/ledger ${flag}`;
  for (const shell of ["bash", "zsh"] as const) {
    const typedLines = lines.map(([command, flag]) => `${line(command, flag)}\t`);
    assert.deepEqual(
      (await typed(shell, folder, `${COMMAND} "$@"`, typedLines)).map((words) => words.at(-1)),
      lines.map(([, flag, name]) => flag.includes("=") ? `--node=${name}` : name),
      shell,
    );
  }
  const fish = `function ledgerproxy; ${COMMAND} $argv; end
${(await ledgerproxy(["completion", "fish"])).stdout}
${lines.map(([command, flag]) => `complete -C '${line(command, flag)}'`).join("\n")}`;
  const { stdout } = await new Deno.Command("fish", { args: ["--no-config", "-c", fish] }).output();
  assert.deepEqual(
    new TextDecoder().decode(stdout).trimEnd().split("\n").map((one) => one.split("\t")[0]),
    lines.map(([, flag, name]) => flag.includes("=") ? `--node=${name}` : name),
  );
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("the scripts of bash and zsh compare words and do not evaluate them", async () => {
  const folder = Deno.makeTempDirSync();
  const names = `printf '%s\\n' ${HARMFUL.map((name) => `"shop/w"${quoted(name)}`).join(" ")}`;
  for (const shell of ["bash", "zsh"] as const) {
    await typed(shell, folder, names, ["ledgerproxy blame shop/w\t\t"]);
    assert.ok(!hasProof(folder), shell);
  }
  Deno.removeSync(folder, { recursive: true });
});
