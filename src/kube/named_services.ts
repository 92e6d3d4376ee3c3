// The Services that an event or the comment of an element names: searches and figures select by them.

import type { WatchEvent } from "./objects.ts";

const SERVICE_LABEL = "kubernetes.io/service-name";

/**
 * Services, as `namespace/name`, that an event can be about. The deletion of an EndpointSlice has no label: every prefix
 * of the slice's name before a "-" can be the Service then, as the controller names slices `SERVICE-xxxxx`.
 */
export function servicesOfEvent(
  { key: { kind, namespace, name }, value }: Pick<WatchEvent, "key" | "value">,
): string[] {
  if (kind === "Service") return [`${namespace}/${name}`];
  if (kind !== "EndpointSlice") return [];
  const owner = value?.metadata.labels?.[SERVICE_LABEL];
  if (owner !== undefined) return [`${namespace}/${owner}`];
  const words = name.split("-");
  return words.slice(1).map((_, i) => `${namespace}/${words.slice(0, i + 1).join("-")}`);
}

/** The Service of an element's comment, which is a ServicePort's name: `shop/web` of `shop/web:http`. */
export function serviceOfComment(comment: string): string {
  const colon = comment.indexOf(":");
  return colon < 0 ? comment : comment.slice(0, colon);
}
