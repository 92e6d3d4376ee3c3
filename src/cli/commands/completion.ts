// `ledgerproxy completion SHELL`: writes the script with which bash, zsh and fish complete commands, flags, their values, and the names
// that the ledger knows. The script is made from commander's description of the program.

import { directoryOf } from "../../history/directory.ts";
import { stateToRead } from "../../history/journal_reading.ts";
import { NAME_KINDS, type NameKind, namesBeginning } from "../../history/names.ts";
import { HEAD, resolvePosition } from "../../history/position_expression.ts";
import { EXIT } from "../../node/exit_code.ts";
import { UsageError } from "../../node/usage_error.ts";
import { pastArgument } from "../arguments.ts";
import { Argument, type Command, type Done, LEDGER_FLAG, Option } from "../command_line.ts";
import { printLines, printText } from "../terminal.ts";

const EXAMPLE = `
Example:
  eval "$(ledgerproxy completion bash)"       # in ~/.bashrc, or zsh in ~/.zshrc
  ledgerproxy completion fish | source        # in ~/.config/fish/config.fish`;

/** The part of commander's Command that the script needs. */
interface Described {
  name(): string;
  description(): string;
  readonly commands: readonly Described[];
  readonly registeredArguments: readonly { name(): string }[];
  readonly options: readonly DescribedOption[];
}

interface DescribedOption {
  readonly short?: string | undefined;
  readonly long?: string | undefined;
  readonly description: string;
  readonly hidden: boolean;
  readonly required: boolean;
  readonly optional: boolean;
  readonly flags: string;
  readonly argChoices?: readonly string[] | undefined;
}

/** The shells that have a script. */
const SHELLS = ["bash", "zsh", "fish"] as const;
type Shell = (typeof SHELLS)[number];

/** In place of a shell: the scripts ask for names with it. */
const NAMES = "names";
/** Words that are offered for flags which take other values too. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  "--detect-local-mode": ["BridgeInterface", "ClusterCIDR", "InterfaceNamePrefix", "NodeCIDR"],
  "--expect": ["dropped", "endpoint", "refused"],
  "--logging-format": ["json", "text"],
  "--nodeport-addresses": ["all", "localhost", "primary"],
};
/** The same for positions: the last record, commits back, a time ago. */
const POSITIONS = ["HEAD", "HEAD~1", "5m", "1h", "today", "yesterday"];
/** Flags whose values are names of one kind in the ledger. Those of `run` and `manifest` are not: their ledger is on another node, or new. */
const NAMED_FLAGS: Readonly<Record<string, NameKind>> = {
  "log --namespace": "namespace",
  "log --node": "node",
  "log --pod": "pod",
  "log --zone": "zone",
  "plan --namespace": "namespace",
};
/** Arguments of commands that are names. */
const NAMED: ReadonlySet<string> = new Set(["what", "service", "source", "target"]);

/** Adds `completion` to the program, which it completes. */
export function addCompletion(program: Command, done: Done): void {
  const shell = new Argument("<shell>", `the shell to complete in; ${NAMES}: what the ledger knows`)
    .choices([...SHELLS, NAMES]);
  program.command("completion").description("print what a shell needs to complete commands, flags and names")
    .addArgument(shell)
    .argument("[prefix]", `of ${NAMES}: only those that begin with this`)
    .addOption(new Option("--of <kind>", `of ${NAMES}: only those of this kind`).choices(NAME_KINDS))
    .option(...LEDGER_FLAG)
    .addHelpText("after", EXAMPLE)
    .action((asked: Shell | typeof NAMES, prefix: string | undefined, options: NamesOptions) => {
      if (asked === NAMES) return done(printNames(prefix ?? "", options));
      const given = [prefix, ...Object.entries(options).map(([flag, value]) => `--${flag} ${value}`)]
        .find((one) => one !== undefined);
      if (given !== undefined) {
        throw new UsageError(`${given}: it goes with ${NAMES}; the script reads the ledger of each line`);
      }
      printText(SCRIPTS[asked](program));
    });
}

/** Flags that go with names. */
interface NamesOptions {
  readonly ledger?: string;
  readonly of?: NameKind;
}

/** Prints the names of the ledger that begin with `prefix`. */
function printNames(prefix: string, { ledger, of }: NamesOptions): number {
  const past = pastArgument(ledger);
  printLines(namesBeginning(directoryOf(stateToRead(past, resolvePosition(HEAD, past))), prefix, of));
  return EXIT.done;
}

const SCRIPTS: Readonly<Record<Shell, (program: Described) => string>> = {
  bash: bashScript,
  zsh: (program) =>
    `autoload -U +X compinit && compinit -u
autoload -U +X bashcompinit && bashcompinit
${bashScript(program)}`,
  fish: fishScript,
};

function visible({ options }: Described): DescribedOption[] {
  return options.filter(({ hidden, long }) => !hidden && long !== undefined);
}

/** The commands that have an argument which is a name. */
function withNames(commands: readonly Described[]): Described[] {
  return commands.filter(({ registeredArguments }) =>
    registeredArguments.some((argument) => NAMED.has(argument.name()))
  );
}

function choicesOf(command: Described): [flag: DescribedOption, choices: readonly string[]][] {
  return visible(command).flatMap((option) => {
    const values = valuesOf(option);
    return values === undefined ? [] : [[option, values]];
  });
}

/** What is offered as the value of a flag; undefined where files are. */
function valuesOf({ long = "", flags, argChoices }: DescribedOption): readonly string[] | undefined {
  if (argChoices !== undefined) return argChoices;
  if (flags.endsWith("<position>")) return POSITIONS;
  // A switch may have no value, and the line goes on with a flag.
  return flags.endsWith("[true|false]") ? ["true", "false"] : WORDS[long];
}

/** The kind of names that a flag of a command has in the ledger. */
function kindOf(command: Described, { long }: DescribedOption): NameKind | undefined {
  return NAMED_FLAGS[`${command.name()} ${long}`];
}

/**
 * Completes commands, then values of flags, then flags and names. Where it offers nothing, the shell offers files. Why not
 * `compgen -W`? It evaluates the words, and names come from a ledger.
 */
function bashScript({ commands }: Described): string {
  return `${BASH_FUNCTIONS}
_ledgerproxy() {
  local current="\${COMP_WORDS[COMP_CWORD]}" before="" command="" prefix="" one i
  # In bash the "=" of --flag=value is a word of its own.
  [ "$current" = "=" ] && current=""
  for ((i = 1; i < COMP_CWORD; i++)); do
    one="\${COMP_WORDS[i]}"
    [ "$i" -eq 1 ] && command="$one"
    [ "$one" = "=" ] || before="$one"
  done
  # In zsh it is not.
  case "$current" in
    --*=*) before="\${current%%=*}" prefix="\${current%%=*}=" current="\${current#*=}" ;;
  esac
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    _ledgerproxy_offer ${commands.map((command) => command.name()).join(" ")}
    return
  fi
  case "$command:$before" in
${bashValues(commands)}
  esac
  case "$command:$current" in
${bashFlags(commands)}
    *:-*) ;;
    ${alternatives(withNames(commands))}) _ledgerproxy_offer_names ;;
  esac
}
complete -o filenames -o default -F _ledgerproxy ledgerproxy`;
}

/** Functions that offer words which begin as the current one, and names from the ledger of the line: all, or those of a kind. */
const BASH_FUNCTIONS = `_ledgerproxy_offer() {
  local word
  for word; do [[ -n $word && $word == "$current"* ]] && COMPREPLY+=("$prefix$word"); done
}
_ledgerproxy_offer_names() {
  local i at one ledger=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    [ "\${COMP_WORDS[i]}" = --ledger ] || continue
    at=$((i + 1))
    [ "\${COMP_WORDS[at]}" = "=" ] && at=$((i + 2))
    ledger=(--ledger "\${COMP_WORDS[at]}")
  done
  while IFS= read -r one; do
    _ledgerproxy_offer "$one"
  done <<<"$(ledgerproxy completion ${NAMES} "$current" "$@" "\${ledger[@]}" 2>/dev/null)"
}`;

/** The cases of `COMMAND:FLAG`: the values that the flag can have. A flag with any other value ends the function: files are offered. */
function bashValues(commands: readonly Described[]): string {
  const choices = commands.flatMap((command) =>
    choicesOf(command).map(([option, values]) => {
      const flags = formsOf(option).map((flag) => `${command.name()}:${flag}`);
      const offered = `_ledgerproxy_offer ${values.join(" ")}; return`;
      // A switch without a value is followed by a flag.
      const offer = option.optional ? `[[ $current == -* ]] || { ${offered}; }` : offered;
      return `    ${flags.join(" | ")}) ${offer} ;;`;
    })
  );
  const named = commands.flatMap((command) =>
    visible(command).flatMap((option) => {
      const kind = kindOf(command, option);
      if (kind === undefined) return [];
      const flags = formsOf(option).map((flag) => `${command.name()}:${flag}`);
      return `    ${flags.join(" | ")}) _ledgerproxy_offer_names --of ${kind}; return ;;`;
    })
  );
  const others = commands.flatMap((command) => {
    const flags = visible(command).filter((option) =>
      option.required && valuesOf(option) === undefined && kindOf(command, option) === undefined
    );
    return flags.flatMap(formsOf).map((flag) => `${command.name()}:${flag}`);
  });
  return [
    ...choices,
    ...named,
    `    completion:completion) _ledgerproxy_offer ${SHELLS.join(" ")}; return ;;`,
    `    ${others.join(" | ")}) return ;;`,
  ].join("\n");
}

/** The ways to write a flag. */
function formsOf({ short, long }: DescribedOption): string[] {
  return [short, long].filter((form) => form !== undefined);
}

/** The cases of `COMMAND:-`: the flags of each. */
function bashFlags(commands: readonly Described[]): string {
  return commands.map((command) => {
    const words = [...visible(command).map(({ long }) => long), "--help"].join(" ");
    return `    ${command.name()}:-*) _ledgerproxy_offer ${words} ;;`;
  }).join("\n");
}

/** The commands as the pattern of `COMMAND:WORD`. */
function alternatives(commands: readonly Described[]): string {
  return commands.map((command) => `${command.name()}:*`).join(" | ");
}

function fishScript({ commands }: Described): string {
  const lines = commands.flatMap((command) => {
    const name = command.name();
    const within = `complete -c ledgerproxy -n '__fish_seen_subcommand_from ${name}'`;
    return [
      `complete -c ledgerproxy -f -n __fish_use_subcommand -a ${name} -d ${quoted(command.description())}`,
      ...visible(command).map((option) => `${within} ${fishOption(option, kindOf(command, option))}`),
      ...withNames([command]).map(() => `${within} -f -a '(__ledgerproxy_names)'`),
    ];
  });
  return `function __ledgerproxy_names
  set -l words (commandline -opc)
  set -l ledger (string match -- '--ledger=*' $words)
  if set -l at (contains -i -- --ledger $words)
    set ledger --ledger $words[(math $at + 1)]
  end
  set -l current (string replace -r -- '^--[a-z-]*=' '' (commandline -ct))
  ledgerproxy completion ${NAMES} "$current" $argv $ledger 2>/dev/null
end
${lines.join("\n")}
complete -c ledgerproxy -f -n '__fish_seen_subcommand_from completion' -a '${SHELLS.join(" ")}'`;
}

function fishOption(option: DescribedOption, kind: NameKind | undefined): string {
  const { short, long, description, required, optional } = option;
  const values = kind === undefined ? valuesOf(option)?.join(" ") : `(__ledgerproxy_names --of ${kind})`;
  return [
    ...(short === undefined ? [] : [`-s ${short.slice(1)}`]),
    `-l ${long!.slice(2)}`,
    // With -x fish expects a value, which a switch may not have.
    ...(values ? [`${optional ? "-f" : "-x"} -a '${values}'`] : required ? ["-r"] : []),
    `-d ${quoted(description)}`,
  ].join(" ");
}

/** A text within single quotes, as fish reads it. */
function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}
