// The name of a Service in its cluster: the key under which the fold keeps all that belongs to one Service.

/** `namespace/name` of a Service. Neither part can contain a slash (RFC 1123 labels). */
export type ServiceName = string & { readonly __brand: "ServiceName" };

/** The name of Service `name` in `namespace`. */
export function serviceName(namespace: string, name: string): ServiceName {
  return `${namespace}/${name}` as ServiceName;
}

/** The name of the Service that has `metadata`. */
export function nameOfService(
  { namespace = "", name }: { readonly namespace?: string; readonly name: string },
): ServiceName {
  return serviceName(namespace, name);
}

/** The namespace of a Service: `shop` of `shop/web`. A text without a namespace is unchanged. */
export function namespaceOf(name: string): string {
  const slash = name.indexOf("/");
  return slash < 0 ? name : name.slice(0, slash);
}

/** Whose Services these are: `namespace shop`, or `namespaces blog and shop`. */
export function namespacesText(services: readonly string[]): string {
  const namespaces = [...new Set(services.map(namespaceOf))].sort();
  return `${namespaces.length === 1 ? "namespace" : "namespaces"} ${namespaces.join(" and ")}`;
}

/** Namespace and name of a Service: `shop` and `web` of `shop/web`. */
export function partsOfService(name: string): { readonly namespace: string; readonly name: string } {
  const namespace = namespaceOf(name);
  return { namespace, name: name.slice(namespace.length + 1) };
}

/** `name` of `namespace/name`, also of a pod; a text without a namespace is unchanged. */
export function withoutNamespace(name: string): string {
  return name.slice(name.indexOf("/") + 1);
}

/** `text` as a ServiceName: it was written as one, to a ledger, a snapshot or a comment in the kernel. */
export function readServiceName(text: string): ServiceName {
  return text as ServiceName;
}
