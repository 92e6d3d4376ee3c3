// The flags that several commands share about where a cluster is read from and how it is served, kube-proxy's among them.

import type { SyncPolicy } from "../ledger/disk_writer.ts";
import { type FlagForm, PROXY_FLAGS } from "../node/proxy_flags.ts";
import { type Command, LEDGER_FLAG, positive } from "./command_line.ts";

/** The flag that names the proxy. */
export const SERVICE_PROXY_NAME_FLAG = [
  "--service-proxy-name <name>",
  "serve only Services whose label service-proxy-name is this, beside another proxy",
] as const;

/** Flags of a program that serves. */
const SERVING = [
  "--healthz-bind-address",
  "--metrics-bind-address",
  "--bind-address-hard-fail",
  "--count-connections",
];
/** Flags of a program that writes a ledger. */
const WRITING = ["--fsync", "--speed", "--v", "--logging-format"];

/** Adds the flag that counts connections. */
export function withCounting(command: Command): Command {
  return command.addOption(
    command.createOption(
      "--count-connections [true|false]",
      "count connections by Service and endpoint; costs memory of the kernel for each element and CPU",
    ).choices(["true", "false"]),
  );
}

/** Adds the flags about the source and the ledger, and kube-proxy's flags. */
export function withSource(command: Command): Command {
  command
    .option(
      "--kubeconfig <file>",
      "a kubeconfig, for the API server; not needed in a pod with a service account",
    )
    .option("--master <url>", "URL of the API server, in place of the kubeconfig's")
    .addOption(
      command.createOption("--fsync <when>", "when records are synced to the disk (interval: every second)")
        .choices(["always", "interval", "never"] satisfies SyncPolicy[]),
    )
    .option(
      "--source <path>",
      "in place of an API server: a file or folder of YAML/JSON from kubectl, or a recorded ledger",
    )
    .option(...LEDGER_FLAG)
    .option("--config <file>", "a KubeProxyConfiguration, as kube-proxy reads it; flags take precedence")
    .option(...SERVICE_PROXY_NAME_FLAG)
    .option("--speed <n>", "play a recording n times faster than it was recorded", positive);
  return withProxyFlags(withCounting(command));
}

/**
 * As {@link withSource}, for a command that does not serve: flags about that are accepted, so that the command line of the proxy can be
 * used as it is, and are not in help.
 */
export function withSourceToRecord(command: Command): Command {
  return hiding(withSource(command), SERVING);
}

/** As {@link withSourceToRecord}, for a command that writes no ledger either. */
export function withSourceToRead(command: Command): Command {
  return hiding(withSource(command), [...SERVING, ...WRITING]);
}

function hiding(command: Command, flags: readonly string[]): Command {
  for (const option of command.options) if (flags.includes(option.long ?? "")) option.hideHelp();
  return command;
}

/** Adds kube-proxy's flags. All are accepted, and only those that matter are in help. */
export function withProxyFlags(command: Command): Command {
  for (const { name, form, help } of PROXY_FLAGS) {
    const option = command.createOption(`${name} ${PLACEHOLDERS[form]}`, help ?? "");
    command.addOption(help === undefined ? option.hideHelp() : option);
  }
  return command;
}

/** How help shows the value of a flag. A switch may have none. */
const PLACEHOLDERS: Readonly<Record<FlagForm, string>> = {
  text: "<value>",
  number: "<n>",
  switch: "[true|false]",
  list: "<list>",
  gates: "<list>",
};
