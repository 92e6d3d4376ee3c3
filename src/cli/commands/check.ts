// `ledgerproxy check`: prints whether the proxy can run here, and what other proxies have left. It changes nothing.

import { kernelVersion, PRIVILEGE, probeCapabilities } from "../../kernel/capabilities.ts";
import type { NetlinkKernel } from "../../kernel/netlink_kernel.ts";
import { EXIT } from "../../node/exit_code.ts";
import {
  kernelOf,
  kubeProxyTables,
  namedTables,
  otherModes,
  ourTables,
  tableNames,
} from "../../node/other_proxies.ts";
import type { Command, Done } from "../command_line.ts";
import { printJson, printLines } from "../terminal.ts";

const EXAMPLE = `
Example:
  ledgerproxy check`;

/** Adds `check` to the program. */
export function addCheck(program: Command, done: Done): void {
  program.command("check")
    .description("print whether the proxy can run here, and what other proxies have left; changes nothing")
    .option("--json", "one line of JSON")
    .addHelpText("after", EXAMPLE)
    .action((options: { json?: boolean }) => done(check(options)));
}

/** Prints one line for each finding; returns 1 when the kernel lacks something that the proxy needs. */
function check(options: { readonly json?: boolean }): number {
  using kernel = kernelOf(undefined);
  const capabilities = [kernelVersion(Deno.osRelease()), ...probeCapabilities(kernel)];
  // Without the capability the kernel shows no tables either.
  const privileged = capabilities.some(({ name, available }) => name === PRIVILEGE && available);
  const others = privileged ? otherProxies(kernel) : [];
  const capable = capabilities.every(({ needed, available }) => available || !needed);
  if (options.json) printJson("check/1", { capable, capabilities, others });
  else {
    printLines([
      ...capabilities.map(({ name, needed, available, problem }) => {
        const mark = available ? "yes" : needed ? "MISSING" : "no";
        return `${mark.padEnd(7)}  ${name}${problem === "" ? "" : `: ${problem}`}`;
      }),
      ...others.map((other) => `here     ${other}`),
      "",
      verdict(capable, privileged),
    ]);
  }
  return capable ? EXIT.done : EXIT.found;
}

/** The last line: yes, no, or what cannot be known. */
function verdict(capable: boolean, privileged: boolean): string {
  if (capable) return "yes: this node can run the proxy";
  if (privileged) return "no: this node cannot run the proxy; see MISSING above";
  return "not known: only a process with CAP_NET_ADMIN can ask the kernel the rest";
}

/** What other proxies have left, and what we have. */
function otherProxies(kernel: NetlinkKernel): string[] {
  const theirs = kubeProxyTables(kernel);
  const ours = ourTables(kernel);
  const named = namedTables(kernel);
  return [
    ...(theirs.length > 0
      ? [
        `${
          tableNames(theirs)
        }: kube-proxy in nftables mode; \`run\` takes over from it in one batch, with --service-proxy-name it leaves it alone`,
      ]
      : []),
    ...otherModes(kernel),
    ...(ours.length > 0 ? [`${tableNames(ours)}: ours; \`run\` goes on from them`] : []),
    ...(named.length > 0
      ? [`${tableNames(named)}: ours, of proxies with a name; \`run --service-proxy-name\` goes on from them`]
      : []),
  ];
}
