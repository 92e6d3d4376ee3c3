// What `manifest` makes of its flags for a proxy with a name: objects that do not meet those of the proxy without one.

import assert from "node:assert/strict";
import {
  installationObjects,
  namespaceText,
  networkOfPods,
  settingsOfPods,
} from "../../src/install/installation.ts";
import { UsageError } from "../../src/node/usage_error.ts";

const OPTIONS = {
  image: "ledgerproxy:1",
  apiServer: "https://10.0.0.2:6443",
  namespace: "kube-system",
  metricsJob: "ledgerproxy",
};

interface Made {
  readonly kind: string;
  readonly metadata: { readonly name: string };
}

function objects(options: Record<string, unknown>): readonly Made[] {
  const all = { ...OPTIONS, ...options };
  const settings = settingsOfPods(all);
  return installationObjects(all, false, networkOfPods(all, settings), settings) as Made[];
}

Deno.test("the objects of a proxy with a name have another name, other ports and another folder", () => {
  const plain = objects({});
  const blue = objects({ serviceProxyName: "blue" });
  const names = (made: readonly Made[]) => made.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
  assert.deepEqual(names(blue), names(plain).map((name) => `${name}-blue`));
  const text = JSON.stringify(blue.at(-1));
  const parts = ['"--service-proxy-name=blue"', '"port":10356', '"/var/lib/ledgerproxy-blue"'];
  for (const part of parts) assert.ok(text.includes(part), `${part} in ${text}`);
  assert.ok(!JSON.stringify(plain).includes("blue"));
  // The DaemonSet of one does not select the pods of the other.
  const label = (made: readonly Made[]) => JSON.stringify(made.at(-1)).match(/"matchLabels":\{[^}]*\}/)?.[0];
  assert.notEqual(label(blue), label(plain));
});

Deno.test("connections are counted in the pods where the flag says so", () => {
  const flags = (options: Record<string, unknown>) =>
    /"--count-connections=[^"]*"/.exec(JSON.stringify(objects(options)))?.[0];
  assert.deepEqual([flags({}), flags({ countConnections: true }), flags({ countConnections: "false" })], [
    undefined,
    '"--count-connections=true"',
    '"--count-connections=false"',
  ]);
});

Deno.test("a name that objects cannot have, and a Lease of heads, are refused", () => {
  for (const serviceProxyName of ["Blue", "a_b", "a.b", "x".repeat(52), "a b"]) {
    assert.throws(() => objects({ serviceProxyName }), UsageError, serviceProxyName);
  }
  assert.throws(() => objects({ serviceProxyName: "blue", headLease: true }), /--head-lease goes with/);
});

Deno.test("what Kubernetes or a kubelet would refuse is named, with its value", () => {
  for (
    const [wrong, message] of [
      [{ image: "" }, /--image "": it must name an image/],
      [{ image: "a b" }, /--image "a b"/],
      [{ namespace: "Foo Bar" }, /--namespace "Foo Bar": .* lower-case letters/],
      [{ namespace: "" }, /--namespace ""/],
      [{ ledger: "var/lib/x" }, /--ledger "var\/lib\/x": it must be a path from the root/],
      [{ metricsJob: "" }, /--metrics-job: it must have a name/],
    ] as const
  ) assert.throws(() => objects(wrong), { name: "UsageError", message });
});

Deno.test("a namespace is printed where that is wanted, before all that is in it: else it is not deleted with the objects", () => {
  const kinds = (options: Record<string, unknown>) => objects(options).map(({ kind }) => kind);
  assert.ok(!kinds({ namespace: "monitoring" }).includes("Namespace"));
  const made = objects({ namespace: "network", createNamespace: true, headLease: true });
  assert.deepEqual(made[0], {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: "network", labels: { "pod-security.kubernetes.io/enforce": "privileged" } },
  });
  assert.throws(
    () => objects({ createNamespace: true }),
    /--create-namespace goes with --namespace NAME: kube-system is/,
  );
  const text = (options: Record<string, unknown>) => namespaceText({ ...OPTIONS, ...options });
  assert.equal(text({}), undefined);
  assert.match(text({ namespace: "monitoring" })!, /kubectl label namespace monitoring pod-security/);
  assert.match(text({ namespace: "network", createNamespace: true })!, /deletes it with all that is in it/);
});

Deno.test("a proxy with a name does not take the addresses of kube-proxy that a cluster's configuration has", () => {
  const config = (...fields: string[]) => ({
    "config.conf": [
      "apiVersion: kubeproxy.config.k8s.io/v1alpha1",
      "kind: KubeProxyConfiguration",
      "mode: nftables",
      ...fields,
    ]
      .join("\n"),
  });
  const named = { serviceProxyName: "blue", apiServer: "https://10.0.0.2:6443" };
  const health = { config: config("healthzBindAddress: 0.0.0.0:10256"), ...named };
  const metrics = { config: config("metricsBindAddress: 0.0.0.0:10249"), ...named };
  assert.throws(
    () => objects(health),
    /healthzBindAddress 0.0.0.0:10256, .* give --healthz-bind-address IP:PORT/,
  );
  assert.throws(
    () => objects(metrics),
    /metricsBindAddress 0.0.0.0:10249, .* give --metrics-bind-address IP:PORT/,
  );
  const own = JSON.stringify(objects({ ...health, healthzBindAddress: "0.0.0.0:10356" }));
  assert.ok(own.includes('"port":10356'), own);
  objects({ config: config('healthzBindAddress: ""', 'metricsBindAddress: ""'), ...named });
  objects({ ...health, serviceProxyName: undefined });
});
