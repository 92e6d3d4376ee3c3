// `ledgerproxy check`: whether the proxy can run here, and what else is here. Changes nothing.

import { kernelVersion, probeCapabilities } from "../kernel/capabilities.ts";
import { NetlinkKernel } from "../kernel/netlink_kernel.ts";
import { kubeProxyTables, otherModes, ourTables, tableNames } from "./other_proxies.ts";

/** Prints one line a finding; returns 1 when something needed is missing. */
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
  if (options.json) console.log(JSON.stringify({ capable, capabilities, others }));
  else {
    for (const { name, needed, available, problem } of capabilities) {
      const verdict = available ? "yes" : needed ? "MISSING" : "no";
      console.log(`${verdict.padEnd(7)}  ${name}${problem === "" ? "" : `: ${problem}`}`);
    }
    for (const other of others) console.log(`here     ${other}`);
  }
  return capable ? 0 : 1;
}
