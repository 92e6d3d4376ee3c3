// A folder of manifests for `--source`.

/** A List of Services of the namespace `shop`. */
export const manifest = (...names: string[]) =>
  JSON.stringify({
    kind: "List",
    items: names.map((name) => ({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name, namespace: "shop" },
      spec: { clusterIP: "10.96.0.1", ports: [{ port: 80 }] },
    })),
  });

/** A folder with the source `in`. */
export async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  await Deno.mkdir(`${folder}/in`);
  await use(folder);
  await Deno.remove(folder, { recursive: true });
}
