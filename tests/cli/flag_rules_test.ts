// Flags that a command would ignore are wrong usage: each pair of them is refused, or was looked at.

import assert from "node:assert/strict";
import { Command } from "../../src/cli/command_line.ts";
import { isWrongUsage } from "../../src/cli/explained.ts";
import { FLAG_RULES } from "../../src/cli/flag_rules.ts";
import { allCommands, runProgram } from "../../src/cli/program.ts";
import { AskedLedger } from "../support/asked_program.ts";
import { ledgerproxy } from "../support/run_program.ts";

const run = (...args: readonly string[]) => ledgerproxy([...args]);

/** Command lines with a flag that means nothing there, and the flags that the message must name. */
const IGNORED: readonly (readonly [line: string, ...flags: string[]])[] = [
  ["archive /nowhere --state there.json", "--state", "--exec"],
  ["audit --csv --json", "--csv", "--json"],
  ["completion bash we", "we", "names"],
  ["completion fish --ledger /nowhere", "--ledger", "names"],
  ["endpoints --json -o wide", "--json", "--output wide"],
  ["endpoints --kernel --at @3", "--kernel", "--at"],
  ["import --audit a.log --ledger /nowhere --node a", "--node a"],
  ["import --audit a.log --ledger /nowhere --began 2026-11-23T09:30:00Z", "--began"],
  ["import RECORDING --ledger /nowhere --began 2026-11-23T09:30:00Z", "--began"],
  ["manifest --image i --api-server https://10.0.0.2 --kubeconfig k", "--kubeconfig", "--for"],
  ["manifest --image i --api-server https://10.0.0.2 --metrics-job j", "--metrics-job", "--pod-monitor"],
  ["record --allow-empty", "--allow-empty", "--source"],
  ["run --allow-empty", "--allow-empty", "--source"],
  ["why 10.0.0.1 web --all --json", "--all", "--json"],
  ["run --source a.yaml --head-lease kube-system", "--head-lease", "--source"],
  ["run --source a.yaml --dry-run --assert a.yaml", "--assert", "--dry-run"],
  ["run --init-only --dry-run", "--init-only", "--dry-run"],
  ["schema nothing", "nothing", "services"],
  ["services --json -o wide", "--json", "--output wide"],
  ["test a.yaml --to HEAD", "--to", "--from"],
  ["test a.yaml --write --junit j.xml", "--write", "--junit"],
  ["test a.yaml --write --json", "--write", "--json"],
  ["top --kernel --until @3", "--kernel", "--until"],
  ["verify --kubeconfig k", "--kubeconfig", "--witness"],
  ["verify --kubeconfig k --witness heads.txt", "--kubeconfig", "--witness lease"],
  ["why 10.0.0.1 web --timeout 3", "--timeout", "--live"],
  ["why 10.0.0.1 web --node node-b", "--node", "--source"],
  ["why 10.0.0.1 web --config a.yaml", "--config", "--source"],
  ["why 10.0.0.1 web --master https://10.0.0.2", "--ledger", "--master"],
];

Deno.test("a flag that a command would ignore is wrong usage, which names it and the way out", async () => {
  using ledger = new AskedLedger();
  const recording = `${ledger.folder}/services.json`;
  Deno.writeTextFileSync(
    recording,
    '{"time":"2026-11-23T09:30:00Z","kind":"Service","type":"LIST","items":[]}',
  );
  for (const [line, ...flags] of IGNORED) {
    const words = line.replace("RECORDING", recording).split(" ");
    const isOfLedger = !["--ledger", "bash", "run", "record", "manifest", "schema"].some((one) =>
      words.includes(one)
    );
    const asked = runProgram([...words, ...isOfLedger ? ["--ledger", ledger.folder] : []]);
    const error = await asked.then((code) => code, (error: unknown) => error);
    assert.ok(isWrongUsage(error), `${line}: ${error}`);
    for (const flag of flags) assert.ok(error.message.includes(flag), `${line}: ${error.message}`);
  }
});

Deno.test("an empty value, as of a variable that is not set, is wrong usage and no fault of the program", async () => {
  const { code, stderr } = await run("log", "--ledger", "");
  assert.deepEqual([code, stderr], [
    2,
    "error: --ledger: its value is empty; is a variable of the shell not set?\n",
  ]);
  for (
    const [words, named] of [
      [["verify", ""], /<ledger>: its value is empty/],
      [["run", "--source", "", "--ledger", "/nowhere"], /--source: its value is empty/],
      [["import", "a", "", "--ledger", "/nowhere"], /<recordings?>: its value is empty/],
      [["plan", "-f", "", "--ledger", "/nowhere"], /--filename: its value is empty/],
      [["manifest", "--image", "i", "--config-map", ""], /--config-map: its value is empty/],
    ] as const
  ) {
    const ended = await run(...words);
    assert.equal(ended.code, 2, ended.stderr);
    assert.match(ended.stderr, named);
  }
  // kube-proxy takes an empty flag for none, and a shell completes an empty word.
  const flags = ["--cluster-cidr=", "--healthz-bind-address=", "--node="];
  const made = await run("manifest", "--image", "i", "--api-server", "https://10.0.0.2:6443", ...flags);
  assert.equal(made.code, 0, made.stderr);
  const names = await run("completion", "names", "", "--ledger", "fixtures/recordings/evening");
  assert.equal(names.code, 0, names.stderr);
});

/** Commands that take the whole configuration of a proxy: what a file of it says for others is ignored there too. */
const CONFIGURED: ReadonlySet<string> = new Set(["run", "record", "manifest"]);
/** Flags after which others could mean nothing: they choose a form, a moment or a way to answer. */
const CHOOSING: ReadonlySet<string> = new Set([
  ...["--all", "--at", "--audit", "--csv", "--dry-run", "--exec", "--follow", "--into-kernel", "--json"],
  ...["--kernel", "--list", "--live", "--output", "--patch", "--repair", "--serve", "--source", "--watch"],
  ...["--witness", "--write"],
]);

/** For each choosing flag, the flags that mean the same with it, or mean what they say: those that no rule refuses. */
const TOGETHER: Readonly<Record<string, string>> = {
  "archive --exec": "--cluster --node",
  "audit --csv": "--since --until",
  "audit --json": "--since --until",
  "bisect --all": "--expect --interface --json",
  "bisect --json": "--all --expect --interface",
  "blame --at": "--json",
  "blame --json": "--at",
  "check --json": "",
  "cleanup --dry-run": "--after --kube-proxy --service-proxy-name",
  "connections --json": "--client --leaving --list",
  "connections --list": "--client --json --leaving",
  "diff --json": "--other",
  "drain --json": "--timeout",
  "endpoints --at": "--json --output",
  "endpoints --json": "--at --kernel",
  "endpoints --kernel": "--json --output",
  "endpoints --output": "--at --kernel",
  "import --audit": "--began --node",
  "latency --json": "--since --until",
  "log --follow":
    "--address --change --cidr --json --kind --limit --namespace --node --patch --pod --since --zone",
  "log --json":
    "--address --change --cidr --follow --kind --limit --namespace --node --patch --pod --since --until --zone",
  "log --patch":
    "--address --change --cidr --follow --json --kind --limit --namespace --node --pod --since --until --zone",
  "outages --json": "--since --until",
  "plan --at": "--delete --filename --json --namespace",
  "plan --json": "--at --delete --filename --namespace",
  "replay --into-kernel": "--json --speed --to",
  "replay --json": "--into-kernel --speed --to",
  "report --output": "--records --since --until",
  "report --serve": "--records --since",
  "services --at": "--json --output",
  "services --json": "--at --kernel",
  "services --kernel": "--json --output",
  "services --output": "--at --kernel",
  "services --watch": "",
  "show --json": "",
  "status --at": "--json",
  "status --json": "--at --health --metrics",
  "status --watch": "",
  "test --at": "--json --junit --write",
  "test --json": "--at --from --junit",
  "test --write": "--at --from",
  "top --json": "--kernel --limit --since --until",
  "top --kernel": "--json --limit --since",
  "verify --json": "--kernel --key --repair --witness",
  "verify --kernel": "--json --key --repair --witness",
  "verify --repair": "--json --kernel --key --witness",
  "verify --witness": "--json --kernel --key --repair",
  "version --json": "",
  "why --all": "--at --interface --kernel --kubeconfig --live --master --source",
  "why --at": "--all --interface --json",
  "why --json": "--at --interface --kernel --kubeconfig --live --master --source",
  "why --kernel": "--all --interface --json",
  "why --live": "--all --interface --json --kubeconfig --master --source",
  "why --source": "--all --interface --json --kubeconfig --live --master",
};

Deno.test("each pair of flags of which one chooses how to answer is refused, or was looked at", async () => {
  const program = new Command();
  for (const add of await allCommands()) add(program, () => {});
  const found: Record<string, string> = {};
  for (const command of program.commands.filter((command) => !CONFIGURED.has(command.name()))) {
    const flags = command.options.filter(({ hidden }) => !hidden).map(({ long }) => long ?? "");
    for (const one of flags.filter((flag) => CHOOSING.has(flag))) {
      const refused = new Set(flags.filter((other) => isRefused(command.name(), one, other)));
      const rest = flags.filter((other) => other !== one && other !== "--ledger" && !refused.has(other));
      found[`${command.name()} ${one}`] = rest.sort().join(" ");
    }
  }
  assert.deepEqual(found, TOGETHER);
});

/** Whether a rule of `command` is about both flags, or about what `other` needs. */
function isRefused(command: string, one: string, other: string): boolean {
  const about = (flag: string, others: readonly string[] | undefined) =>
    others?.some((text) => text.split(" ")[0] === flag) === true;
  return (FLAG_RULES[command] ?? []).some(({ flag, without, needs }) =>
    flag === one && about(other, without) || flag === other && (needs !== undefined || about(one, without))
  );
}
