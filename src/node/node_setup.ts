// Sets what kube-proxy sets on a node beside rules: the limits of connection tracking, and the score by which the kernel picks
// a process to end when memory runs out. A container may not set them: that is reported, and the proxy runs all the same.

import { readSpecial, writeSpecial } from "../kernel/special_files.ts";
import { SystemError } from "../kernel/system_error.ts";
import {
  conntrackParameters,
  type ConntrackSettings,
  type KernelParameter,
} from "../kube/conntrack_settings.ts";

/** The file of this process' score, -1000 to 1000 (proc(5)). */
const OOM_SCORE = "/proc/self/oom_score_adj";

/** Values to set; what is absent stays as it is. */
interface NodeSettings {
  readonly conntrack?: ConntrackSettings;
  readonly oomScoreAdj?: number;
}

/** Sets the given values. Returns a sentence for each that could not be set. */
export function setUpNode({ conntrack, oomScoreAdj }: NodeSettings): string[] {
  return [
    ...(conntrack === undefined ? [] : setConntrack(conntrack)),
    ...(oomScoreAdj === undefined ? [] : setAll([{ path: OOM_SCORE, value: oomScoreAdj, raise: false }])),
  ];
}

/** Sets the limits of connection tracking. One of them follows from the number of cores; the others do not need it. */
function setConntrack(conntrack: ConntrackSettings): string[] {
  try {
    return setAll(conntrackParameters(conntrack, onlineCpus()));
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    const withoutCores = conntrackParameters({ ...conntrack, maxPerCore: 0 }, 0);
    return [
      `the number of cores is not known, so nf_conntrack_max stays as it is: ${error.message}`,
      ...setAll(withoutCores),
    ];
  }
}

function setAll(parameters: readonly KernelParameter[]): string[] {
  return parameters.flatMap((parameter) => problemOf(parameter) ?? []);
}

/** Sets one parameter; returns why it could not be set. */
function problemOf(parameter: KernelParameter): string | undefined {
  try {
    set(parameter);
    return undefined;
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    return `${parameter.path} stays as it is, ${parameter.value} was asked for: ${error.message}`;
  }
}

/** Writes the value where the node has another. With `raise` a higher value of the node stays. */
function set({ path, value, raise }: KernelParameter): void {
  const now = Number(readSpecial(path));
  if (now !== value && !(raise && now > value)) writeSpecial(path, String(value));
}

/** The cores of the node, not only those that this process may use. sysfs writes them as `0-3,8`. */
function onlineCpus(): number {
  const ranges = readSpecial("/sys/devices/system/cpu/online").trim().split(",");
  return ranges.reduce((sum, range) => {
    const [first, last = first] = range.split("-").map(Number);
    return sum + last! - first! + 1;
  }, 0);
}
