// The ServicePorts at the moment that is shown. Those of a Service are worked out again only when a record between this
// moment and the one before changed it.

import type { ServiceName } from "../kube/service_name.ts";
import { type PortView, portViews } from "./service_view.ts";
import type { Timeline } from "./timeline.ts";

/** The ServicePorts of one Service, and the offsets from which and before which it looks so. */
interface Remembered {
  readonly ports: readonly PortView[];
  readonly from: number;
  readonly before: number;
}

/** The ServicePorts of a timeline. */
export class ShownServices {
  readonly #timeline: Timeline;
  readonly #remembered = new Map<ServiceName, Remembered>();
  #effort = 0;

  constructor(timeline: Timeline) {
    this.#timeline = timeline;
  }

  /** How many Services, ServicePorts and endpoints were worked out until now. */
  get effort(): number {
    return this.#effort;
  }

  /** Forgets what it worked out: the window begins later. */
  forget(): void {
    this.#remembered.clear();
  }

  /** The ServicePorts of `name` at the moment that is shown. The same value as long as they look the same. */
  of(name: ServiceName): readonly PortView[] {
    const { view, services, first, records } = this.#timeline;
    const known = this.#remembered.get(name);
    if (known !== undefined && known.from <= view.at && view.at < known.before) return known.ports;
    const around = services.unchangedAround(name, view.at);
    // A Service may be as it was, and the next record that changes it be another one.
    const ports = known?.from === around.from ? known.ports : this.#workedOut(name);
    // A record that is added later may change it.
    const before = Math.min(around.before, first + records.length);
    this.#remembered.set(name, { ports, from: around.from, before });
    return ports;
  }

  #workedOut(name: ServiceName): readonly PortView[] {
    const ports = portViews(this.#timeline.view, name);
    this.#effort += ports.reduce((sum, { endpoints }) => sum + 1 + endpoints.length, 1);
    return ports;
  }
}
