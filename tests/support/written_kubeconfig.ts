// A kubeconfig for a server on a port of loopback.

/** Writes it into `folder`; returns its path. */
export function writeKubeconfig(folder: string, port: number): string {
  const kubeconfig = `${folder}/kubeconfig`;
  Deno.writeTextFileSync(
    kubeconfig,
    JSON.stringify({
      clusters: [{ name: "c", cluster: { server: `http://127.0.0.1:${port}` } }],
      contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
      ...{ users: [{ name: "u", user: {} }], "current-context": "c" },
    }),
  );
  return kubeconfig;
}
