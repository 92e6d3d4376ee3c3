// The names that a moment of a page's window knows, for packets that are asked for by name. Pods, nodes and zones are
// gathered only when a text can name one.

import { type Directory, directoryOf } from "../history/directory.ts";
import { describeService, type Service } from "../kube/objects.ts";
import type { ServiceName } from "../kube/service_name.ts";
import { servicePorts } from "../kube/service_port.ts";
import type { Timeline } from "./timeline.ts";

/** The names at the moment that `timeline` shows. */
export function namesIn({ view, services: { names } }: Timeline): Directory {
  const services = new Map<ServiceName, Service>();
  for (const name of names) {
    const object = view.objects.get(describeService(name))?.object;
    if (object?.kind === "Service") services.set(name, object);
  }
  let all: Directory | undefined;
  const gathered = () => {
    const objects = [...view.objects].map(([key, { object }]) => [key, object] as const);
    return all ??= directoryOf({ objects: new Map(objects), services });
  };
  return {
    services: new Map([...services].map(([name, service]) => [name, () => servicePorts(service)] as const)),
    get nodes() {
      return gathered().nodes;
    },
    get pods() {
      return gathered().pods;
    },
    get zones() {
      return gathered().zones;
    },
    get slices() {
      return gathered().slices;
    },
  };
}
