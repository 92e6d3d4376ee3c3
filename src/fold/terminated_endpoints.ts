// Which connections go to endpoints that are gone: their pods do not exist any more, and no program would end the connections
// before they time out (kubernetes/kubernetes#100698). An endpoint that still terminates is not gone: it is in its slices. While a
// Service has no endpoint at all its connections go on: a control plane that lost its slices must not end what works.

import type { Service } from "../kube/objects.ts";
import type { ServiceName } from "../kube/service_name.ts";
import { type ServicePort, servicePorts } from "../kube/service_port.ts";
import { CUT_SECONDS_MAX } from "../limits/rules.ts";
import type { Family, Protocol } from "../nft/data_type.ts";
import { claimAt, holderOf } from "./claims.ts";
import type { ClusterState } from "./cluster_state.ts";
import { listedEndpoints } from "./endpoints.ts";
import { frontendClaim } from "./resource.ts";
import { addressKey, nodePortKey } from "./service_shape.ts";
import { SlicedEndpoints } from "./sliced_endpoints.ts";

/** A Service's own answer: seconds, or `never`. */
export const CUT_ANNOTATION = "ledgerproxy.io/cut-terminated-seconds";

/** A connection whose destination was translated. */
export interface CutCandidate {
  readonly family: Family;
  readonly protocol: Protocol;
  /** `address . port` that the client sent to. */
  readonly target: string;
  /** `address . port` of the endpoint that answers. */
  readonly answerer: string;
}

/** A Service that takes part. */
interface Member {
  readonly service: Service;
  /** Milliseconds that a connection to an endpoint that is gone may go on. */
  readonly grace: number;
  /** Each endpoint of each port, ready or not, as {@link placeOf}. */
  readonly present: ReadonlySet<string>;
  /** When an endpoint went, by {@link placeOf}. */
  readonly gone: ReadonlyMap<string, number>;
}

/** The Services whose connections are cut, and when their endpoints went. Times are milliseconds of one monotonic clock. */
export class TerminatedEndpoints {
  readonly #members = new Map<ServiceName, Member>();
  #deadline = Infinity;

  /**
   * `seconds`: how long connections of Services without the annotation may go on; undefined: for ever. What went before `started`
   * is not known: it counts as gone since then.
   */
  constructor(readonly seconds: number | undefined, readonly started: number) {}

  /** When connections are due to be looked through; Infinity: not before an endpoint goes. */
  get deadline(): number {
    return this.#deadline;
  }

  /** Whether a Service takes part, or each one does that has no annotation. */
  get takesPart(): boolean {
    return this.seconds !== undefined || this.#members.size > 0;
  }

  /** Takes over what `services` have now. */
  note(
    { services, slices }: Pick<ClusterState, "services" | "slices">,
    names: Iterable<ServiceName>,
    now: number,
  ): void {
    for (const name of names) {
      const service = services.get(name);
      const seconds = service === undefined ? undefined : cutSeconds(service, this.seconds);
      const before = this.#members.get(name);
      this.#members.delete(name);
      if (service === undefined || seconds === undefined) continue;
      const present = placesOf(service, new SlicedEndpoints(slices.get(name)?.values() ?? []));
      const gone = new Map([...before?.gone ?? []].filter(([place]) => !present.has(place)));
      for (const place of before?.present ?? []) if (!present.has(place)) gone.set(place, now);
      const member: Member = { service, grace: seconds * 1000, present, gone };
      this.#members.set(name, member);
      this.#await(member, before === undefined ? [this.started] : gone.values());
    }
  }

  /**
   * Whether a connection goes to an endpoint that is gone for its Service's grace at `now`. The Service is the one that holds the
   * frontend by `state`: another one may claim the same address, or have a NodePort with the number of a port.
   */
  cuts(now: number, state: Pick<ClusterState, "claims">): (connection: CutCandidate) => boolean {
    const ports = new Map<string, ServicePort>();
    for (const [name, { service }] of this.#members) {
      for (const port of servicePorts(service)) {
        for (const claim of claimsOf(port)) ports.set(`${name} ${claim}`, port);
      }
    }
    return ({ family, protocol, target, answerer }) => {
      // Its destination was not translated: no endpoint has it.
      if (target === answerer) return false;
      const held = claimAt(state, family, protocol, target);
      const holder = holderOf(state, held);
      const member = holder === undefined ? undefined : this.#members.get(holder);
      const port = ports.get(`${holder} ${held}`);
      if (member === undefined || port === undefined) return false;
      const { present, gone, grace } = member;
      const place = placeOf(port, answerer);
      return present.size > 0 && !present.has(place) && now - (gone.get(place) ?? this.started) >= grace;
    };
  }

  /** Called once connections were looked through at `now`: the deadline is that of what went later. */
  passed(now: number): void {
    this.#deadline = Infinity;
    for (const [name, member] of this.#members) {
      if (member.present.size === 0) continue;
      const gone = new Map([...member.gone].filter(([, since]) => now - since < member.grace));
      this.#members.set(name, { ...member, gone });
      this.#await(member, gone.values());
    }
  }

  #await({ present, grace }: Member, since: Iterable<number>): void {
    if (present.size === 0) return;
    for (const at of since) this.#deadline = Math.min(this.#deadline, at + grace);
  }
}

/** How long a connection of `service` may go on, in seconds; undefined: for ever. A wrong annotation counts as none. */
function cutSeconds({ metadata }: Service, otherwise: number | undefined): number | undefined {
  const text = metadata.annotations?.[CUT_ANNOTATION];
  if (text === "never") return undefined;
  return text !== undefined && /^\d{1,5}$/.test(text) && Number(text) <= CUT_SECONDS_MAX
    ? Number(text)
    : otherwise;
}

function placesOf(service: Service, slices: SlicedEndpoints): Set<string> {
  const connected = servicePorts(service).filter(({ protocol }) => protocol !== "udp");
  return new Set(connected.flatMap((port) => listedEndpoints(port, slices).map((one) => placeOf(port, one))));
}

/** An endpoint of a port. */
function placeOf({ name, family, protocol }: ServicePort, endpoint: string): string {
  return `${name} ${family} ${protocol} ${endpoint}`;
}

/** Claims of what clients send to: addresses with the port, and the NodePort. UDP flows are forgotten at once. */
function claimsOf(port: ServicePort): string[] {
  const { family, protocol, clusterIP, externalIPs, nodePort } = port;
  if (protocol === "udp") return [];
  const keys = [clusterIP, ...externalIPs].map((address) => addressKey(port, address));
  if (nodePort !== 0) keys.push(nodePortKey(port));
  return keys.map((key) => frontendClaim(family, key));
}
