// Weights: an endpoint with weight 3 fills three slots, and so gets three times the connections of one with weight 1. The weight
// is an annotation of the EndpointSlice. 0 is for maintenance: no new connections, and those that exist go on.

import type { EndpointSlice } from "../kube/objects.ts";
import { quoted } from "../kube/quoted.ts";
import { SLOT_CLASS_MAX, WEIGHT_MAX } from "../limits/rules.ts";

/** The annotation of an EndpointSlice: the weight of each of its endpoints. */
export const WEIGHT_ANNOTATION = "ledgerproxy.io/weight";

/** The weight of the endpoints of a slice, a whole number up to {@link WEIGHT_MAX}; 1 without the annotation or a wrong one. */
export function weightOf({ metadata }: EndpointSlice): number {
  return readWeight(metadata.annotations?.[WEIGHT_ANNOTATION]) ?? 1;
}

/** undefined where `text` is no weight. */
function readWeight(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,3}$/.test(text) && Number(text) <= WEIGHT_MAX
    ? Number(text)
    : undefined;
}

/** What is wrong with the weight of a slice, as text; undefined where nothing is. */
export function weightProblem({ metadata }: EndpointSlice): string | undefined {
  const text = metadata.annotations?.[WEIGHT_ANNOTATION];
  if (text === undefined || readWeight(text) !== undefined) return undefined;
  return `EndpointSlice ${metadata.name}: ${WEIGHT_ANNOTATION} is ${
    quoted(text)
  }, and not 0 to ${WEIGHT_MAX}: its weight is 1`;
}

/** An endpoint as it is listed, and its weight, at least 1. */
export interface Weighed {
  readonly text: string;
  readonly weight: number;
}

/**
 * Each endpoint as often as it fills slots, sorted. Weights are divided by what they have in common; where even so they need more
 * slots than there are, each endpoint has one.
 */
export function weighted(endpoints: readonly Weighed[]): string[] {
  const common = endpoints.reduce((divisor, { weight }) => greatest(divisor, weight), 0);
  const total = endpoints.reduce((sum, { weight }) => sum + weight / common, 0);
  if (total === endpoints.length || total > SLOT_CLASS_MAX) return endpoints.map(({ text }) => text).sort();
  return endpoints.flatMap(({ text, weight }) => new Array<string>(weight / common).fill(text)).sort();
}

/** The greatest common divisor. */
function greatest(a: number, b: number): number {
  return b === 0 ? a : greatest(b, a % b);
}
