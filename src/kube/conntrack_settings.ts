// kube-proxy's settings of connection tracking (KubeProxyConfiguration.conntrack) as sysctls
// (pkg/proxy/conntrack/sysctls.go, 1.37; Documentation/networking/nf_conntrack-sysctl.rst).

/** The settings. Zero leaves a value of the kernel as it is; timeouts are in seconds. */
export interface ConntrackSettings {
  readonly maxPerCore: number;
  readonly min: number;
  readonly tcpEstablishedTimeout: number;
  readonly tcpCloseWaitTimeout: number;
  readonly tcpBeLiberal: boolean;
  readonly udpTimeout: number;
  readonly udpStreamTimeout: number;
}

/** A value to write. With `raise` a larger value is left as it is. */
export interface KernelParameter {
  readonly path: string;
  readonly value: number;
  readonly raise: boolean;
}

/** kube-proxy's limit for maxPerCore times cores, against memory use on machines with many cores. */
const SCALED_MAX = 1_048_576;
const SYSCTLS = "/proc/sys/net/netfilter";
const HASH_SIZE = "/sys/module/nf_conntrack/parameters/hashsize";

/** The parameters of a node with `cpus` cores, in the order in which they are to be written. */
export function conntrackParameters(settings: ConntrackSettings, cpus: number): KernelParameter[] {
  const scaled = settings.maxPerCore * cpus;
  const max = scaled === 0 ? 0 : scaled > SCALED_MAX ? SCALED_MAX : Math.max(scaled, settings.min);
  const at = (name: string, value: number) => ({
    path: `${SYSCTLS}/nf_conntrack_${name}`,
    value,
    raise: false,
  });
  return [
    { path: `${SYSCTLS}/nf_conntrack_max`, value: max, raise: true },
    { path: HASH_SIZE, value: Math.floor(max / 4), raise: true },
    at("tcp_timeout_established", settings.tcpEstablishedTimeout),
    at("tcp_timeout_close_wait", settings.tcpCloseWaitTimeout),
    at("tcp_be_liberal", settings.tcpBeLiberal ? 1 : 0),
    at("udp_timeout", settings.udpTimeout),
    at("udp_timeout_stream", settings.udpStreamTimeout),
  ].filter(({ value }) => value > 0);
}
