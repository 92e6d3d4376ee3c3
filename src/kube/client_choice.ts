// How a Service chooses the endpoint of a connection: at random, as kube-proxy does, or by the client's address, so that a client
// meets the same endpoint as long as the list does not change. An annotation chooses that; it replaces the scheduler `sh` of IPVS.

import type { Service } from "./objects.ts";
import { quoted } from "./quoted.ts";

/** The annotation of a Service: `client` or `random`. */
const CHOICE_ANNOTATION = "ledgerproxy.io/choice";

/** Whether `service` chooses endpoints by the client. ClientIP affinity comes before that. */
export function choosesByClient({ metadata, spec }: Service): boolean {
  return metadata.annotations?.[CHOICE_ANNOTATION] === "client" && spec.sessionAffinity !== "ClientIP";
}

/** What is wrong with the annotation of `service`, as text; undefined where nothing is. */
export function choiceProblem({ metadata, spec }: Service): string | undefined {
  const text = metadata.annotations?.[CHOICE_ANNOTATION];
  if (text === undefined || text === "random") return undefined;
  if (text !== "client") {
    return `${CHOICE_ANNOTATION} is ${
      quoted(text)
    }, and not client or random: endpoints are chosen at random`;
  }
  return spec.sessionAffinity === "ClientIP"
    ? `${CHOICE_ANNOTATION} has no effect beside sessionAffinity ClientIP, which keeps a client at its endpoint`
    : undefined;
}
