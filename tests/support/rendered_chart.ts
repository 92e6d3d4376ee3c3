// The chart as helm renders it.

import assert from "node:assert/strict";
import { readDocuments } from "../../src/ingest/manifest_documents.ts";
import { chartFiles } from "../../src/install/chart.ts";
import { goProgram } from "./go_program.ts";
import { writeFiles } from "./written_files.ts";

/** The program; without it no chart can be rendered. */
export const HELM = goProgram("HELM");

export type Json = Record<string, unknown>;

/** The objects that helm makes of the chart, by kind and name. */
export async function rendered(...values: string[]): Promise<Map<string, unknown>> {
  const folder = await Deno.makeTempDir();
  try {
    await writeFiles(folder, chartFiles("1.2.3"));
    const args = ["template", folder, "--name-template", "release", "--namespace", "kube-system", ...values];
    const { success, stdout, stderr } = await new Deno.Command(HELM!, { args }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
    return byName(readDocuments("chart.yaml", new TextDecoder().decode(stdout), "kubernetes").values);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Objects by kind and name. */
export function byName(objects: readonly unknown[]): Map<string, unknown> {
  return new Map(objects.map((object) => {
    const { kind, metadata } = object as Json & { metadata: Json };
    return [`${kind} ${metadata["name"]}`, object];
  }));
}
