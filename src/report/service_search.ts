// Finds the ServicePorts that a reader asks for, at the moment that is shown. To work out 10,000 Services takes longer than
// a browser has for a frame, so a search goes on in parts; the caller decides when.

import { serviceOfComment } from "../kube/named_services.ts";
import { describeService } from "../kube/objects.ts";
import { readServiceName, type ServiceName } from "../kube/service_name.ts";
import { servicePorts } from "../kube/service_port.ts";
import type { PortView } from "./service_view.ts";
import type { ShownServices } from "./shown_services.ts";
import type { Timeline } from "./timeline.ts";

/** Most Services, ServicePorts and endpoints that one part works out or describes: a few milliseconds. */
const PART = 800;
/** So many Services are looked at in the time in which one is worked out. */
const LOOKED = 16;

/** The text that is searched of each ServicePort, as long as it looks the same. */
const DESCRIBED = new WeakMap<PortView, string>();

/** Which ServicePorts a reader looks for. */
export interface Sought {
  /** In the name, an address, a port or a node; "": any. */
  readonly text: string;
  readonly served: "any" | "not";
  /** Only Services that the records from `from` to `through` changed; undefined: all. */
  readonly changed: { readonly from: number; readonly through: number } | undefined;
  /** How many are skipped, and how many wanted after those. */
  readonly skip: number;
  readonly most: number;
}

/** The ServicePorts found until now. */
export interface FoundPorts {
  readonly ports: readonly PortView[];
  /** How many there are in all, with those that were skipped and those that are more than wanted. */
  readonly count: number;
  /** How many Services were looked at, of how many. */
  readonly looked: number;
  readonly of: number;
  readonly complete: boolean;
}

/** One search. It is of no use once the moment has changed. */
export class ServiceSearch {
  readonly #names: readonly ServiceName[];
  readonly #ports: PortView[] = [];
  #count = 0;
  #looked = 0;
  /** How many ServicePorts and endpoints were described. */
  #described = 0;

  constructor(
    readonly services: ShownServices,
    readonly timeline: Timeline,
    readonly sought: Sought,
  ) {
    this.#names = namesFirst(candidates(timeline, sought), sought.text);
  }

  /** Looks at the next Services, and returns what is found until now. */
  part(): FoundPorts {
    const { services, sought: { skip, most } } = this;
    const effort = () => services.effort + this.#described + this.#looked / LOOKED;
    const until = effort() + PART;
    const all = this.#seeksAll;
    const enough = () => all && this.#ports.length === most;
    while (this.#looked < this.#names.length && !enough() && effort() < until) {
      const name = this.#names[this.#looked++]!;
      if (all && this.#count + this.#portsOf(name) <= skip) this.#count += this.#portsOf(name);
      else this.#look(name);
    }
    return {
      ports: this.#ports,
      count: all ? this.timeline.view.portCount : this.#count,
      looked: this.#looked,
      of: this.#names.length,
      complete: enough() || this.#looked === this.#names.length,
    };
  }

  /** Whether every ServicePort is sought: then those that are not shown need not be worked out. */
  get #seeksAll(): boolean {
    const { text, served, changed } = this.sought;
    return text === "" && served === "any" && changed === undefined;
  }

  #portsOf(name: ServiceName): number {
    const object = this.timeline.view.objects.get(describeService(name))?.object;
    return object?.kind === "Service" ? servicePorts(object).length : 0;
  }

  #textOf(port: PortView): string {
    const known = DESCRIBED.get(port);
    if (known !== undefined) return known;
    const text = described(port);
    this.#described += 1 + port.endpoints.length;
    DESCRIBED.set(port, text);
    return text;
  }

  #look(name: ServiceName): void {
    const { text, served, skip, most } = this.sought;
    for (const port of this.services.of(name)) {
      if (served === "not" && port.serving > 0) continue;
      if (text !== "" && !this.#textOf(port).includes(text.toLowerCase())) continue;
      if (this.#count++ >= skip && this.#ports.length < most) this.#ports.push(port);
    }
  }
}

/** The Services that can be found. */
function candidates(timeline: Timeline, { changed }: Sought): readonly ServiceName[] {
  const { names } = timeline.services;
  if (changed === undefined) return names;
  return [...changedServices(timeline, changed)].map((name) => readServiceName(name)).sort();
}

/** Services whose elements the records from `from` to `through` changed. */
function changedServices(
  { moments, first }: Timeline,
  { from, through }: { readonly from: number; readonly through: number },
): Set<string> {
  const found = new Set<string>();
  for (let offset = Math.max(from, first); offset <= through; offset++) {
    for (const { before, after } of moments[offset - first]?.elements ?? []) {
      const comment = after?.comment ?? before?.comment;
      if (comment !== undefined) found.add(serviceOfComment(comment));
    }
  }
  return found;
}

/** `names` with those first that have `text`: a reader who types a name sees its Service before those it is a node of. */
function namesFirst(names: readonly ServiceName[], text: string): readonly ServiceName[] {
  if (text === "") return names;
  const named = serviceOfComment(text.toLowerCase());
  const rank = (name: ServiceName) => name === named ? 0 : name.includes(named) ? 1 : 2;
  return [0, 1, 2].flatMap((wanted) => names.filter((name) => rank(name) === wanted));
}

/** The text that is searched. */
function described({ name, frontends, endpoints, port }: PortView): string {
  return [
    name,
    port.protocol,
    port.portName,
    ...frontends.map(({ text }) => text),
    ...endpoints.flatMap(({ text, node, slice }) => [text, node, slice]),
  ].join(" ").toLowerCase();
}
