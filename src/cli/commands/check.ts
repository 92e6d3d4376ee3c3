// `ledgerproxy check`: prints whether the proxy can run here, and what other proxies have left. It changes nothing.

import { printLines } from "../terminal.ts";
import { printJson } from "../json_schema.ts";
import { kernelVersion, probeCapabilities } from "../../kernel/capabilities.ts";
import { NetlinkKernel } from "../../kernel/netlink_kernel.ts";
import { kubeProxyTables, otherModes, ourTables, tableNames } from "../../node/other_proxies.ts";

/** Prints one line for each finding; returns 1 when the kernel lacks something that the proxy needs. */
export function check(options: { readonly json?: boolean }): number {
  using kernel = new NetlinkKernel();
  const capabilities = [kernelVersion(Deno.osRelease()), ...probeCapabilities(kernel)];
  const theirs = kubeProxyTables(kernel);
  const ours = ourTables(kernel);
  const others = [
    ...(theirs.length > 0
      ? [`${tableNames(theirs)}: kube-proxy in nftables mode; \`run\` takes over from it in one batch`]
      : []),
    ...otherModes(kernel),
    ...(ours.length > 0 ? [`${tableNames(ours)}: ours; \`run\` goes on from them`] : []),
  ];
  const capable = capabilities.every(({ needed, available }) => available || !needed);
  if (options.json) printJson("check/1", { capable, capabilities, others });
  else {
    printLines([
      ...capabilities.map(({ name, needed, available, problem }) => {
        const verdict = available ? "yes" : needed ? "MISSING" : "no";
        return `${verdict.padEnd(7)}  ${name}${problem === "" ? "" : `: ${problem}`}`;
      }),
      ...others.map((other) => `here     ${other}`),
    ]);
  }
  return capable ? 0 : 1;
}
