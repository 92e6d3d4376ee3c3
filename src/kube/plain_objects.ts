// Which stored objects have their shape, found out in a straight line. Why not by the shapes of stored_shapes.ts alone? A start
// checks each object of the cluster once, before the runtime has compiled what the shapes are made of. Nearly all objects have
// few of the fields that they may have: these are recognised here, and the shapes say what is wrong with any other.

import { isJsonObject } from "./json_value.ts";

/** A field of any kind, or none. */
type Fields = Readonly<Record<string, unknown>>;

/** Whether `value` is a Service or an EndpointSlice that surely has the shape of a stored object. False: the shape is to be asked. */
export function isPlainObject(value: unknown): boolean {
  if (!isJsonObject(value) || !isPlainMetadata(value["metadata"])) return false;
  const { kind } = value;
  return kind === "EndpointSlice" ? isPlainSlice(value) : kind === "Service" && isPlainService(value);
}

/** Whether `value` is a list of texts. */
export function isTexts(value: unknown): boolean {
  if (!Array.isArray(value)) return false;
  for (let i = 0; i < value.length; i++) if (typeof value[i] !== "string") return false;
  return true;
}

function isPlainMetadata(value: unknown): boolean {
  if (!isJsonObject(value)) return false;
  const { name, namespace, uid, resourceVersion, creationTimestamp, labels } = value;
  const { annotations, deletionTimestamp, managedFields } = value;
  return typeof name === "string" && isTextOrNone(namespace) && isTextOrNone(uid) &&
    isTextOrNone(resourceVersion) && isTextOrNone(creationTimestamp) && isTextMapOrNone(labels) &&
    isTextMapOrNone(annotations) && deletionTimestamp === undefined &&
    (managedFields === undefined || everyOf(managedFields, isManager));
}

function isManager({ manager }: Fields): boolean {
  return typeof manager === "string";
}

function isPlainService({ spec, status }: Fields): boolean {
  if (!isJsonObject(spec)) return false;
  const { type, clusterIP, clusterIPs, ipFamilies, ports, selector } = spec;
  const { externalTrafficPolicy, internalTrafficPolicy, sessionAffinity, sessionAffinityConfig } = spec;
  const { externalIPs, loadBalancerSourceRanges, healthCheckNodePort } = spec;
  return isTextOrNone(type) && isTextOrNone(clusterIP) && isTextOrNone(externalTrafficPolicy) &&
    isTextOrNone(internalTrafficPolicy) && isTextOrNone(sessionAffinity) &&
    isTextsOrNone(clusterIPs) && isTextsOrNone(ipFamilies) && isTextMapOrNone(selector) &&
    sessionAffinityConfig === undefined && externalIPs === undefined &&
    loadBalancerSourceRanges === undefined && healthCheckNodePort === undefined &&
    (ports === undefined || everyOf(ports, isServicePort)) && hasNoIngress(status);
}

function isServicePort({ port, name, protocol, nodePort }: Fields): boolean {
  return isPort(port) && isTextOrNone(name) && isProtocolOrNone(protocol) &&
    (nodePort === undefined || isPort(nodePort));
}

/** Whether a status has no addresses of a load balancer. */
function hasNoIngress(status: unknown): boolean {
  if (status === undefined) return true;
  if (!isJsonObject(status)) return false;
  const { loadBalancer } = status;
  return loadBalancer === undefined || isJsonObject(loadBalancer) && loadBalancer["ingress"] === undefined;
}

function isPlainSlice({ addressType, endpoints, ports }: Fields): boolean {
  return typeof addressType === "string" && everyOf(endpoints, isPlainEndpoint) &&
    everyOf(ports, isSlicePort);
}

function isSlicePort({ port, name, protocol }: Fields): boolean {
  return (port === undefined || isPort(port)) && isTextOrNone(name) && isProtocolOrNone(protocol);
}

function isPlainEndpoint({ addresses, conditions, nodeName, targetRef, hints }: Fields): boolean {
  return isTexts(addresses) && isTextOrNone(nodeName) && hints === undefined &&
    (conditions === undefined || areConditions(conditions)) &&
    (targetRef === undefined || isReference(targetRef));
}

function areConditions(value: unknown): boolean {
  if (!isJsonObject(value)) return false;
  const { ready, serving, terminating } = value;
  return isFlagOrNone(ready) && isFlagOrNone(serving) && isFlagOrNone(terminating);
}

function isReference(value: unknown): boolean {
  return isJsonObject(value) && typeof value["kind"] === "string" && typeof value["name"] === "string";
}

/** Whether `value` is a list of objects for which `holds`. */
function everyOf(value: unknown, holds: (fields: Fields) => boolean): boolean {
  if (!Array.isArray(value)) return false;
  for (let i = 0; i < value.length; i++) if (!isJsonObject(value[i]) || !holds(value[i])) return false;
  return true;
}

function isTextOrNone(value: unknown): boolean {
  return value === undefined || typeof value === "string";
}

function isFlagOrNone(value: unknown): boolean {
  return value === undefined || typeof value === "boolean";
}

function isTextsOrNone(value: unknown): boolean {
  return value === undefined || isTexts(value);
}

function isTextMapOrNone(value: unknown): boolean {
  if (value === undefined) return true;
  if (!isJsonObject(value)) return false;
  for (const name in value) if (typeof value[name] !== "string") return false;
  return true;
}

function isProtocolOrNone(value: unknown): boolean {
  return value === "TCP" || value === "UDP" || value === "SCTP" || value === undefined;
}

function isPort(value: unknown): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 65_535;
}
