// UDP frontends as they are now: which endpoints may answer their flows. The Service that holds a frontend decides that.

import { holderOf } from "./claims.ts";
import type { ClusterState } from "./cluster_state.ts";
import type { UdpFrontend } from "./service_program.ts";

type Held = Pick<ClusterState, "claims" | "programs">;

/** The frontend that has `claim`; undefined where no Service serves it. */
export function udpFrontendNow(state: Held, claim: string): UdpFrontend | undefined {
  const holder = holderOf(state, claim);
  return holder === undefined ? undefined : state.programs.get(holder)?.udp.get(claim);
}

/** All UDP frontends by claim, as they are now. */
export function udpFrontends(state: Held): Map<string, UdpFrontend> {
  const all = new Map<string, UdpFrontend>();
  for (const { udp } of state.programs.values()) {
    if (udp.size === 0) continue;
    for (const [claim, frontend] of udp) {
      all.set(claim, udpFrontendNow(state, claim) ?? { ...frontend, serving: NONE });
    }
  }
  return all;
}

const NONE: readonly string[] = [];
