// The name of a service proxy (KEP-2447). A Service whose label names a proxy is left to it; a proxy with a name serves these
// Services alone. So two proxies can run on one node, and each Service has one of them.

import type { Service } from "./objects.ts";

/** The label that leaves a Service to the proxy of that name. */
export const SERVICE_PROXY_NAME_LABEL = "service.kubernetes.io/service-proxy-name";

/** A value of a label (apimachinery, IsValidLabelValue, 1.37), but the empty one, which is no name. */
const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;

/** What a name may be, for messages. */
export const SERVICE_PROXY_NAME_FORM =
  "the value of a label is expected: at most 63 letters, digits, - _ and ., the first and the last a letter or a digit";

/** Whether `text` can be the name of a proxy. */
export function isServiceProxyName(text: string): boolean {
  return NAME.test(text);
}

/** Whether `service` is one for the proxy called `name`; undefined: the proxy of all Services without the label. */
export function isForProxy({ metadata }: Service, name: string | undefined): boolean {
  return metadata.labels?.[SERVICE_PROXY_NAME_LABEL] === name;
}
