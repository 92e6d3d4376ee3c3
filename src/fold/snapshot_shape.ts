// The shapes of a snapshot's lines. A file can have the right hash and not be a snapshot of this program: then it is not used.

import {
  and,
  byTag,
  COUNT,
  fields,
  FLAG,
  listOf,
  misfitText,
  nullable,
  oneOf,
  TEXT,
  that,
  tuple,
} from "../kube/shape.ts";
import { fieldsOf, isJsonObject } from "../kube/json_value.ts";
import { isPlainObject, isTexts } from "../kube/plain_objects.ts";
import { OBJECT_KINDS } from "../kube/objects.ts";
import { BOUNDS, PLACE, STORED_CONFIG, STORED_OBJECT } from "../kube/stored_shapes.ts";
import { SLOT_CLASSES } from "./slots.ts";

const slotClass = that("a slot class", isSlotClass);

const LINE = byTag("kind", {
  state: fields({
    folded: PLACE,
    committed: nullable(PLACE),
    config: STORED_CONFIG,
    nodeName: TEXT,
    nodeDeleted: FLAG,
    aside: listOf(tuple(TEXT, TEXT)),
  }, {
    fold: COUNT,
    gap: PLACE,
    bounds: BOUNDS,
    changed: COUNT,
    crowded: listOf(tuple(TEXT, COUNT)),
    knownNode: and(STORED_OBJECT, fields({ kind: oneOf("Node") })),
    versions: listOf(tuple(oneOf(...OBJECT_KINDS), COUNT)),
  }),
  object: fields({ value: STORED_OBJECT }),
  slots: fields({
    service: TEXT,
    slots: listOf(tuple(TEXT, fields({ slotClass, endpoints: listOf(TEXT) }, { exact: slotClass }))),
  }, { causes: listOf(PLACE), slices: listOf(TEXT), contested: oneOf(true) }),
  causes: fields({ set: TEXT, causes: listOf(tuple(TEXT, PLACE)) }),
});

/** What is wrong with line `number`, from 0, of a snapshot; undefined when nothing is. */
export function snapshotMisfit(line: unknown, number: number): string | undefined {
  const misfit = isPlainLine(line) ? undefined : LINE(line);
  if (misfit !== undefined) return misfitText(misfit);
  const { kind } = fieldsOf(line);
  return (kind === "state") === (number === 0) ? undefined : `.kind: "${kind}" in line ${number}`;
}

/** Whether `line` surely has its shape; see {@link isPlainObject}. */
function isPlainLine(line: unknown): boolean {
  const { kind, value, service, slots, causes, slices, contested } = fieldsOf(line);
  if (kind === "object") return isPlainObject(value);
  return kind === "slots" && typeof service === "string" && areSlots(slots) && arePlaces(causes) &&
    (slices === undefined || isTexts(slices)) && (contested === undefined || contested === true);
}

function areSlots(value: unknown): boolean {
  if (!Array.isArray(value)) return false;
  for (let i = 0; i < value.length; i++) {
    const entry: unknown = value[i];
    if (!Array.isArray(entry) || entry.length !== 2 || typeof entry[0] !== "string") return false;
    const slots: unknown = entry[1];
    if (!isJsonObject(slots) || !isSlotClass(slots["slotClass"]) || !isTexts(slots["endpoints"])) {
      return false;
    }
    if (slots["exact"] !== undefined && !isSlotClass(slots["exact"])) return false;
  }
  return true;
}

function arePlaces(value: unknown): boolean {
  if (!Array.isArray(value)) return false;
  for (let i = 0; i < value.length; i++) if (!Number.isSafeInteger(value[i]) || value[i] < -1) return false;
  return true;
}

function isSlotClass(value: unknown): boolean {
  return SLOT_CLASSES.some((slotClass) => slotClass === value);
}
