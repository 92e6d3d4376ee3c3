// Metrics about connections by Service, where they are counted.

import { partsOfService } from "../kube/service_name.ts";
import { COUNTED_SERVICES_MAX } from "../limits/serving.ts";
import type { ByOutcome, ConnectionSeries } from "./connection_tally.ts";
import { Counter, type Registry } from "./prometheus.ts";

/** Adds the metrics to `registry`. A scrape asks for `connections` once; where it gets none, there are no series. */
export function addConnectionMetrics(
  registry: Registry,
  connections: () => Promise<ConnectionSeries | undefined> = () => Promise.resolve(undefined),
): void {
  let scrape: Promise<ConnectionSeries | undefined> | undefined;
  const asked = () => scrape ??= connections().finally(() => scrape = undefined);
  const counter = <Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
    set: (counter: Counter<Label>, series: ConnectionSeries) => void,
  ) =>
    new Counter<Label>({
      name: `ledgerproxy_${name}`,
      help,
      labelNames,
      registers: [registry],
      async collect() {
        const series = await asked();
        this.reset();
        if (series !== undefined) set(this, series);
      },
    });
  counter(
    "service_connections_total",
    `Connections of the ${COUNTED_SERVICES_MAX} busiest Services, where connections are counted`,
    ["namespace", "service", "outcome"],
    (counter, { services }) => {
      for (const [name, ofService] of services) {
        const { namespace, name: service } = partsOfService(name);
        for (const [outcome, count] of outcomes(ofService)) {
          counter.inc({ namespace, service, outcome }, count);
        }
      }
    },
  );
  counter(
    "other_services_connections_total",
    "Connections of all other Services, where connections are counted",
    ["outcome"],
    (counter, { others }) => {
      for (const [outcome, count] of outcomes(others)) counter.inc({ outcome }, count);
    },
  );
  counter(
    "uncounted_elements_total",
    "Elements that went without a notice of the kernel: what they had counted since the last reading is lost",
    [],
    (counter, { uncounted }) => counter.inc(uncounted),
  );
}

function outcomes({ served, refused }: ByOutcome): [string, number][] {
  return [["served", served], ["refused", refused]];
}
