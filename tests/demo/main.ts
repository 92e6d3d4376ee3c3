// The demo: it plays the recording of a cluster with a rolling update, a drain and a crash loop into a network
// namespace of its own, with a server for every pod, while clients connect to cluster IPs. No connection may fail.
//
//   deno task demo [SPEED]      SPEED: times faster than recorded, 6 unless given

import { POD_NETWORKS } from "../support/pod_networks.ts";
import { playCluster } from "./play_cluster.ts";

const INSIDE = "LEDGERPROXY_DEMO_NAMESPACE";
const DEFAULT_SPEED = 6;

const NODE = ["ip link set lo up", ...POD_NETWORKS];

/** Runs this file again in a network namespace, and in a user namespace where the user is not root. */
async function enterNamespace(args: readonly string[]): Promise<number> {
  const user = Deno.uid() === 0 ? [] : ["--map-root-user"];
  const script = `${NODE.join(" && ")} && export ${INSIDE}=yes && exec "$@"`;
  const self = [
    Deno.execPath(),
    "run",
    "--allow-all",
    "--no-check",
    "--quiet",
    import.meta.filename!,
    ...args,
  ];
  const { code } = await new Deno.Command("unshare", {
    args: [...user, "--net", "--", "sh", "-c", script, "sh", ...self],
  })
    .spawn().status;
  return code;
}

if (Deno.env.get(INSIDE) !== "yes") Deno.exit(await enterNamespace(Deno.args));

const speed = Number(Deno.args[0] ?? DEFAULT_SPEED);
if (!(speed > 0)) {
  console.error(`SPEED must be a number above 0, not ${Deno.args[0]}`);
  Deno.exit(2);
}
const { connections, failures } = await playCluster(speed);
Deno.exit(failures === 0 && connections > 0 ? 0 : 1);
