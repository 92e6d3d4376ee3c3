// What is wrong with a value on the command line before it means anything: it is empty, or its flag was given before with another one.

import { PROXY_FLAGS } from "../node/proxy_flags.ts";
import { UsageError } from "../node/usage_error.ts";
import { collected, type Command, type Option } from "./command_line.ts";

/** Why an empty text is refused: where a variable is not set, `--ledger "$LEDGER"` has one. */
const EMPTY = "its value is empty; is a variable of the shell not set?";

/** kube-proxy's flags, of which an empty one means what is meant without it. */
const KUBE_PROXYS: ReadonlySet<string> = new Set(PROXY_FLAGS.map(({ name }) => name.replace(/^.*--/, "--")));

/**
 * Commands that a unit file or a DaemonSet runs: what an overlay adds at the end takes precedence, as with kube-proxy. A question has
 * one answer, and of two values its reader would not see which one it is about.
 */
const LAST_COUNTS: ReadonlySet<string> = new Set(["run", "record", "check"]);

/** Makes `command` throw {@link UsageError} for an empty value, and for a flag with two values that takes one. */
export function guardValues(command: Command): void {
  // The scripts of shells complete an empty word.
  if (command.name() === "completion") return;
  const mayBeEmpty = command.options.some(({ long }) => long === "--proxy-mode") ? KUBE_PROXYS : new Set();
  for (const option of command.options) {
    const flag = option.long ?? "";
    const refusesEmpty = !mayBeEmpty.has(flag);
    const takesOne = !option.variadic && option.parseArg !== collected && !LAST_COUNTS.has(command.name());
    let before: string | undefined;
    command.on(`option:${option.name()}`, (value: string | null) => {
      if (value === null) return;
      if (value === "" && refusesEmpty) throw new UsageError(`${flag}: ${EMPTY}`);
      if (takesOne && before !== undefined && before !== value) {
        throw new UsageError(
          `${flag} ${before} and ${flag} ${value}: it takes one value; leave out one of them`,
        );
      }
      before = value;
    });
    if (option.parseArg) option.parseArg = naming(flag, refusesEmpty, option.parseArg);
  }
  for (const argument of command.registeredArguments) {
    const { parseArg } = argument;
    if (parseArg) argument.parseArg = naming(`<${argument.name()}>`, true, parseArg);
  }
}

/** Throws {@link UsageError} where an argument of `command`, which was parsed, is empty. */
export function checkArguments(command: Command): void {
  const { args, registeredArguments: named } = command;
  const empty = command.name() === "completion" ? -1 : args.indexOf("");
  if (empty >= 0) throw new UsageError(`<${(named[empty] ?? named.at(-1))?.name()}>: ${EMPTY}`);
}

type Parse = NonNullable<Option["parseArg"]>;

/** `parse` that refuses an empty text, and says which flag or argument has the value that is wrong: a line may have several of a kind. */
function naming(what: string, refusesEmpty: boolean, parse: Parse): Parse {
  return <T>(text: string, before: T): T => {
    if (text === "" && refusesEmpty) throw new UsageError(`${what}: ${EMPTY}`);
    try {
      return parse(text, before);
    } catch (error) {
      const isNamed = !what.startsWith("--") || !(error instanceof UsageError) ||
        error.message.startsWith("--");
      throw isNamed ? error : new UsageError(`${what} ${error.message}`);
    }
  };
}
