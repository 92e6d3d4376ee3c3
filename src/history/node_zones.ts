// In which zone a node was when a record was written. A state knows its own zones alone; the moves between it and the record are in the
// journal, of which only the segments are read that lie between.

import type { WithObjects } from "../fold/cluster_state.ts";
import { ZONE_FIELD, zoneOf } from "./directory.ts";
import type { JournalEntry } from "./journal.ts";
import { journalBackward, journalFrom } from "./journal_reading.ts";
import type { FieldChange } from "./object_diff.ts";
import type { Past } from "./past.ts";

const PART = { details: true, mentions: (text: string) => text === ZONE_FIELD };
const OF_NODE = "Node ";

/** The zones that a node had, as far as they are read. */
interface Stay {
  /** Its zone before the first move: the first one known, where it had none before. */
  before: string;
  /** In order. */
  readonly moves: { readonly offset: number; readonly zone: string }[];
}

/** The zones of all nodes, at any offset. What a node had last counts on after its object is deleted. */
export class NodeZones {
  readonly #past: Past;
  readonly #stays = new Map<string, Stay>();
  /** Moves at offsets from `#low` to `#high` are known. */
  #low: number;
  #high: number;

  /** `objects` are those after the record at offset `at`. */
  constructor(past: Past, at: number, { objects }: WithObjects) {
    this.#past = past;
    [this.#low, this.#high] = [at + 1, at];
    for (const object of objects.values()) {
      if (object.kind !== "Node") continue;
      this.#stays.set(object.metadata.name, { before: zoneOf(object) ?? "", moves: [] });
    }
  }

  /** The zone of `node` after the record at `offset`; "" where it is not known. */
  zoneAt(node: string, offset: number): string {
    while (offset + 1 < this.#low) this.#readBack();
    if (offset > this.#high) this.#readOn(offset);
    const stay = this.#stays.get(node);
    return stay?.moves.findLast((move) => move.offset <= offset)?.zone ?? stay?.before ?? "";
  }

  /** Reads one segment more of what is older. */
  #readBack(): void {
    const last = this.#low - 1;
    const first = this.#past.segments().findLast((one) => one <= last) ?? 0;
    for (const entry of journalBackward(this.#past, last, PART, first)) {
      const [field, node] = moveIn(entry);
      if (field === undefined) continue;
      const stay = this.#stayOf(node, field.was);
      stay.before = entry.verb === "appeared" ? field.is : field.was;
      if (entry.verb !== "gone") stay.moves.unshift({ offset: entry.offset, zone: field.is });
    }
    this.#low = first;
  }

  /** Reads what was written up to `through`. */
  #readOn(through: number): void {
    for (const entry of journalFrom(this.#past, this.#high + 1, through, PART)) {
      const [field, node] = moveIn(entry);
      if (field === undefined || entry.verb === "gone") continue;
      const { moves } = this.#stayOf(node, entry.verb === "appeared" ? field.is : field.was);
      moves.push({ offset: entry.offset, zone: field.is });
    }
    this.#high = through;
  }

  #stayOf(node: string, before: string): Stay {
    const known = this.#stays.get(node);
    if (known !== undefined) return known;
    const stay = { before, moves: [] };
    this.#stays.set(node, stay);
    return stay;
  }
}

/** The change of a node's zone that an entry is about, and the node. */
function moveIn({ object, fields }: JournalEntry): [FieldChange | undefined, string] {
  if (!object.startsWith(OF_NODE)) return [undefined, ""];
  return [fields.find(({ path }) => path === ZONE_FIELD), object.slice(OF_NODE.length)];
}
