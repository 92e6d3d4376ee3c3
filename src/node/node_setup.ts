// What kube-proxy sets on the node beside rules: limits of connection tracking, and how late the kernel ends us when
// memory runs out. A container may not: that is told, and changes nothing else.

import { readSpecial, writeSpecial } from "../kernel/special_files.ts";
import { SystemError } from "../kernel/system_error.ts";
import {
  conntrackParameters,
  type ConntrackSettings,
  type KernelParameter,
} from "../kube/conntrack_settings.ts";

const OOM_SCORE = "/proc/self/oom_score_adj";

/** Sets what is given; returns what could not be set, for people. */
export function setUpNode(
  { conntrack, oomScoreAdj }: { readonly conntrack?: ConntrackSettings; readonly oomScoreAdj?: number },
): string[] {
  const parameters = [
    ...(conntrack === undefined ? [] : conntrackParameters(conntrack, onlineCpus())),
    ...(oomScoreAdj === undefined ? [] : [{ path: OOM_SCORE, value: oomScoreAdj, raise: false }]),
  ];
  return parameters.flatMap((parameter) => {
    try {
      set(parameter);
      return [];
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      const { path, value } = parameter;
      return [`${path} stays as it is, ${value} was asked for: ${error.message}`];
    }
  });
}

function set({ path, value, raise }: KernelParameter): void {
  const now = Number(readSpecial(path));
  if (now !== value && !(raise && now > value)) writeSpecial(path, String(value));
}

/** Cores of the node, whatever this process may use: `0-3,8` (sysfs). */
function onlineCpus(): number {
  const ranges = readSpecial("/sys/devices/system/cpu/online").trim().split(",");
  return ranges.reduce((sum, range) => {
    const [first, last = first] = range.split("-").map(Number);
    return sum + last! - first! + 1;
  }, 0);
}
