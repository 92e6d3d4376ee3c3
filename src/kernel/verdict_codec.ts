// Verdicts: between the model and the attributes of NFTA_DATA_VERDICT, which rules and verdict maps share.

import type { Verdict } from "../nft/statement.ts";
import { NFTA_DATA, NFTA_VERDICT, VERDICT_CODE } from "./nf_tables.ts";
import { type Attributes, nested, text, u32 } from "./netlink_reader.ts";
import type { NetlinkWriter } from "./netlink_writer.ts";

const KINDS: readonly Verdict["kind"][] = ["accept", "drop", "return", "continue", "goto", "jump"];

/** Writes `verdict` as the content of an nft_data nest. */
export function writeVerdict(writer: NetlinkWriter, verdict: Verdict): void {
  const nest = writer.openNest(NFTA_DATA.VERDICT);
  writer.attributeU32(NFTA_VERDICT.CODE, VERDICT_CODE[verdict.kind]);
  if (verdict.kind === "goto" || verdict.kind === "jump") {
    writer.attributeString(NFTA_VERDICT.CHAIN, verdict.chain);
  }
  writer.close(nest);
}

/** The verdict in an nft_data nest, or the reason why this program never writes it. */
export function readVerdict(data: Attributes): Verdict | string {
  const nest = nested(data, NFTA_DATA.VERDICT);
  if (!nest.has(NFTA_VERDICT.CODE)) return "no verdict";
  const verdict = verdictOf(nest);
  if (typeof verdict === "number") return `verdict code ${verdict}`;
  const isNowhere = (verdict.kind === "goto" || verdict.kind === "jump") && verdict.chain === "";
  return isNowhere ? `${verdict.kind} without a chain` : verdict;
}

/** The verdict in a nest of NFTA_VERDICT attributes; its code where rules of this program never have it. */
export function verdictOf(nest: Attributes): Verdict | number {
  const code = (u32(nest, NFTA_VERDICT.CODE) ?? 0) | 0;
  const kind = KINDS.find((name) => VERDICT_CODE[name] === code);
  if (kind === undefined) return code;
  return kind === "goto" || kind === "jump" ? { kind, chain: text(nest, NFTA_VERDICT.CHAIN) } : { kind };
}
