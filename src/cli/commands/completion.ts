// `ledgerproxy completion SHELL`: writes the script with which bash and zsh complete commands, flags and their values. The
// script is made from commander's description of the program.

import { Argument, type Command } from "../command_line.ts";
import { printText } from "../terminal.ts";

const EXAMPLE = `
Example:
  eval "$(ledgerproxy completion bash)"   # in ~/.bashrc, or zsh in ~/.zshrc`;

/** The part of commander's Command that the script needs. */
interface Described {
  name(): string;
  readonly commands: readonly Described[];
  readonly options: readonly {
    readonly long?: string | undefined;
    readonly hidden: boolean;
    readonly argChoices?: readonly string[] | undefined;
  }[];
}

/** The shells that have a script. */
const SHELLS = ["bash", "zsh"] as const;
type Shell = (typeof SHELLS)[number];

/** Adds `completion` to the program, which it completes. */
export function addCompletion(program: Command): void {
  const shell = new Argument("<shell>", "the shell to complete in").choices(SHELLS);
  program.command("completion").description("print what a shell needs to complete commands and flags")
    .addArgument(shell)
    .addHelpText("after", EXAMPLE)
    .action((name: Shell) => printText(completion(program, name)));
}

/** The script for `shell`, which it should read at its start. */
function completion({ commands }: Described, shell: Shell): string {
  const flags = ({ options }: Described) =>
    [...options.filter(({ hidden }) => !hidden).map(({ long }) => long!), "--help"].join(" ");
  const values = commands.flatMap((command) =>
    command.options.flatMap(({ long, argChoices }) =>
      argChoices ? [`    ${command.name()}:${long}) words="${argChoices.join(" ")}" ;;`] : []
    )
  );
  const shells = `    completion:completion) words="${SHELLS.join(" ")}" ;;`;
  const script = `_ledgerproxy() {
  local current="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" words=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${commands.map((command) => command.name()).join(" ")}" -- "$current"))
    return
  fi
  case "\${COMP_WORDS[1]}:$before" in
${[...values, shells].join("\n")}
  esac
  if [ -z "$words" ] && [ "\${current#-}" != "$current" ]; then
    case "\${COMP_WORDS[1]}" in
${commands.map((command) => `      ${command.name()}) words="${flags(command)}" ;;`).join("\n")}
    esac
  fi
  if [ -n "$words" ]; then COMPREPLY=($(compgen -W "$words" -- "$current")); return; fi
  COMPREPLY=($(compgen -f -- "$current"))
}
complete -o filenames -F _ledgerproxy ledgerproxy`;
  return shell === "bash" ? script : `autoload -U +X compinit && compinit -u
autoload -U +X bashcompinit && bashcompinit
${script}`;
}
