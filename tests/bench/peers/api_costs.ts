// What a proxy costs the API server and the network: bytes that its node receives, and CPU time of the API server.

import type { ControlPlane } from "../../support/cluster/control_plane.ts";
import type { Lab } from "../../support/lab/lab.ts";
import { until } from "../../support/until.ts";

const IDLE_MILLISECONDS = 3000;
/** Seconds of changes cost the server about as much as its own work, so that is measured longer, and when nothing else came before. */
const REST_MILLISECONDS = 15_000;
/** The lists are read when the node has received nothing for this long. */
const QUIET_MILLISECONDS = 1000;
/** Bytes of bookmarks and of other small talk are no lists. */
const SMALL_BYTES = 20_000;

/** Bytes received, and milliseconds of the API server's CPU time. */
export interface ApiCost {
  readonly bytes: number;
  readonly cpu: number;
}

/** Counts what a node receives from the API server, and what that costs there. */
export class ApiMeter {
  readonly #lab: Lab;
  readonly #pid: number;
  #bytes = 0;
  #cpu = 0;
  #at = 0;
  /** CPU time that the API server needs by itself, as a share of the time. */
  readonly #idle: number;

  private constructor(lab: Lab, pid: number, idle: number) {
    this.#lab = lab;
    this.#pid = pid;
    this.#idle = idle;
    this.restart();
  }

  /** Measures first what the API server needs while nothing happens. */
  static async start(plane: ControlPlane, lab: Lab): Promise<ApiMeter> {
    const pid = plane.apiServerPid;
    return new ApiMeter(lab, pid, await idleShare(pid, IDLE_MILLISECONDS));
  }

  /** Counts from now on. */
  restart(): void {
    this.#bytes = receivedBytes(this.#lab);
    this.#cpu = cpuMilliseconds(this.#pid);
    this.#at = performance.now();
  }

  /** The cost since the last restart; what the server needs by itself is measured after it. */
  async costBesideRest(): Promise<ApiCost> {
    const [{ bytes, cpu }, elapsed] = [this.cost(0), performance.now() - this.#at];
    return { bytes, cpu: cpu - elapsed * await idleShare(this.#pid, REST_MILLISECONDS) };
  }

  /** The cost since the last restart. */
  cost(idle = this.#idle): ApiCost {
    const own = idle * (performance.now() - this.#at);
    return {
      bytes: receivedBytes(this.#lab) - this.#bytes,
      cpu: cpuMilliseconds(this.#pid) - this.#cpu - own,
    };
  }

  /** Waits until the first lists were read; returns their cost. */
  async lists(): Promise<ApiCost> {
    let [bytes, quiet] = [0, performance.now()];
    let cost: ApiCost = { bytes: 0, cpu: 0 };
    await until("the lists are read", () => {
      const now = this.cost();
      if (now.bytes > cost.bytes) cost = now;
      if (now.bytes > bytes + SMALL_BYTES) [bytes, quiet] = [now.bytes, performance.now()];
      return bytes > 0 && performance.now() - quiet > QUIET_MILLISECONDS;
    }, 300_000);
    return cost;
  }
}

/** CPU time that process `pid` needs from now on, for so many milliseconds, as a share of the time. */
async function idleShare(pid: number, milliseconds: number): Promise<number> {
  const before = cpuMilliseconds(pid);
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  return (cpuMilliseconds(pid) - before) / milliseconds;
}

/** Milliseconds on a CPU of all threads of a process (proc(5), schedstat). The threads of Go's runtime do not end. */
function cpuMilliseconds(pid: number): number {
  const tasks = [...Deno.readDirSync(`/proc/${pid}/task`)];
  const times = tasks.map(({ name }) => Deno.readTextFileSync(`/proc/${pid}/task/${name}/schedstat`));
  return times.reduce((sum, text) => sum + Number(text.split(" ")[0]), 0) / 1e6;
}

/** Bytes that the node of `lab` has received from the API server. */
export function receivedBytes(lab: Lab): number {
  const devices = lab.run("node", "cat /proc/net/dev");
  return Number(/^\s*api:\s*(\d+)/m.exec(devices)?.[1] ?? 0);
}
