// `ledgerproxy completion SHELL`: writes the script with which bash, zsh and fish complete commands, flags, their values, and the names
// that the ledger knows. The script is made from commander's description of the program.

import { directoryOf } from "../../history/directory.ts";
import { stateToRead } from "../../history/journal_reading.ts";
import { HEAD, resolvePosition } from "../../history/position_expression.ts";
import { EXIT } from "../../node/exit_code.ts";
import { pastArgument } from "../arguments.ts";
import { Argument, type Command, type Done, LEDGER_FLAG } from "../command_line.ts";
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
  readonly argChoices?: readonly string[] | undefined;
}

/** The shells that have a script. */
const SHELLS = ["bash", "zsh", "fish"] as const;
type Shell = (typeof SHELLS)[number];

/** In place of a shell: the scripts ask for names with it. */
const NAMES = "names";
/** Arguments of commands that are names. */
const NAMED: ReadonlySet<string> = new Set(["what", "service", "source", "target"]);

/** Adds `completion` to the program, which it completes. */
export function addCompletion(program: Command, done: Done): void {
  const shell = new Argument("<shell>", `the shell to complete in; ${NAMES}: what the ledger knows`)
    .choices([...SHELLS, NAMES]);
  program.command("completion").description("print what a shell needs to complete commands, flags and names")
    .addArgument(shell)
    .argument("[prefix]", `of ${NAMES}: only those that begin with this`)
    .option(...LEDGER_FLAG)
    .addHelpText("after", EXAMPLE)
    .action((asked: Shell | typeof NAMES, prefix: string | undefined, options: { ledger?: string }) => {
      if (asked === NAMES) return done(printNames(prefix ?? "", options.ledger));
      printText(SCRIPTS[asked](program));
    });
}

/** Prints the Services, nodes and pods of the ledger that begin with `prefix`; of nothing only the Services, which are fewer. */
function printNames(prefix: string, ledger: string | undefined): number {
  const past = pastArgument(ledger);
  const { services, nodes, pods } = directoryOf(stateToRead(past, resolvePosition(HEAD, past)));
  const others = prefix === "" ? [] : [...nodes.keys(), ...pods.keys()];
  printLines([...services.keys(), ...others].filter((name) => name.startsWith(prefix)).sort());
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
  return visible(command).flatMap((option) => option.argChoices ? [[option, option.argChoices]] : []);
}

/** Completes commands, then values of flags, then flags and names. Where it knows no words, files. */
function bashScript({ commands }: Described): string {
  return `${BASH_NAMES}
_ledgerproxy() {
  local current="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" words=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${commands.map((command) => command.name()).join(" ")}" -- "$current"))
    return
  fi
  case "\${COMP_WORDS[1]}:$before" in
${bashValues(commands)}
  esac
  if [ -z "$words" ]; then
    if [ "\${current#-}" != "$current" ]; then
      case "\${COMP_WORDS[1]}" in
${bashFlags(commands)}
      esac
    else
      case "\${COMP_WORDS[1]}" in
      ${alternatives(withNames(commands))}) words=$(_ledgerproxy_names "$current") ;;
      esac
    fi
  fi
  if [ -n "$words" ]; then COMPREPLY=($(compgen -W "$words" -- "$current")); return; fi
  COMPREPLY=($(compgen -f -- "$current"))
}
complete -o filenames -F _ledgerproxy ledgerproxy`;
}

/** A function that asks the ledger of the line for names. */
const BASH_NAMES = `_ledgerproxy_names() {
  local i ledger=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    [ "\${COMP_WORDS[i]}" = --ledger ] && ledger=(--ledger "\${COMP_WORDS[i+1]}")
  done
  ledgerproxy completion ${NAMES} "$1" "\${ledger[@]}" 2>/dev/null
}`;

/** The cases of `COMMAND:FLAG`: the values that the flag can have, or files where it has any other value. */
function bashValues(commands: readonly Described[]): string {
  const choices = commands.flatMap((command) =>
    choicesOf(command).map(([{ long }, values]) =>
      `    ${command.name()}:${long}) words="${values.join(" ")}" ;;`
    )
  );
  const options = commands.flatMap(visible).filter(({ required }) => required);
  const flags = [...new Set(options.map(({ long }) => long))].sort();
  return [
    ...choices,
    `    completion:completion) words="${SHELLS.join(" ")}" ;;`,
    `    *:${flags.join("|*:")}) COMPREPLY=($(compgen -f -- "$current")); return ;;`,
  ].join("\n");
}

/** The cases of commands: the flags of each. */
function bashFlags(commands: readonly Described[]): string {
  return commands.map((command) => {
    const words = [...visible(command).map(({ long }) => long), "--help"].join(" ");
    return `      ${command.name()}) words="${words}" ;;`;
  }).join("\n");
}

/** The commands as the pattern of a case. */
function alternatives(commands: readonly Described[]): string {
  return commands.map((command) => command.name()).join("|");
}

function fishScript({ commands }: Described): string {
  const lines = commands.flatMap((command) => {
    const name = command.name();
    const within = `complete -c ledgerproxy -n '__fish_seen_subcommand_from ${name}'`;
    return [
      `complete -c ledgerproxy -f -n __fish_use_subcommand -a ${name} -d ${quoted(command.description())}`,
      ...visible(command).map((option) => `${within} ${fishOption(option)}`),
      ...withNames([command]).map(() => `${within} -f -a '(__ledgerproxy_names)'`),
    ];
  });
  return `function __ledgerproxy_names
  set -l words (commandline -opc)
  set -l ledger
  if set -l at (contains -i -- --ledger $words)
    set ledger --ledger $words[(math $at + 1)]
  end
  ledgerproxy completion ${NAMES} (commandline -ct) $ledger 2>/dev/null
end
${lines.join("\n")}
complete -c ledgerproxy -f -n '__fish_seen_subcommand_from completion' -a '${SHELLS.join(" ")}'`;
}

function fishOption({ short, long, description, required, argChoices }: DescribedOption): string {
  return [
    ...(short === undefined ? [] : [`-s ${short.slice(1)}`]),
    `-l ${long!.slice(2)}`,
    ...(argChoices ? [`-x -a '${argChoices.join(" ")}'`] : required ? ["-r"] : []),
    `-d ${quoted(description)}`,
  ].join(" ");
}

/** A text within single quotes, as fish reads it. */
function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}
