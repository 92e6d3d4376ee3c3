// What the chart computes of its values, and what it refuses as `manifest` does.

import assert from "node:assert/strict";
import { helper } from "../../src/install/chart_helpers.ts";
import { HELM, type Json, rendered } from "../support/rendered_chart.ts";

const API = ["--set", "apiServer=https://10.0.0.2:6443"];
const set = (...values: string[]) => values.flatMap((value) => ["--set", value]);

/** Where each probe of the proxy asks. */
function probes(found: Map<string, unknown>, name = "ledgerproxy"): Json[] {
  const { template: { spec } } = (found.get(`DaemonSet ${name}`) as Json)["spec"] as {
    template: { spec: { containers: { [probe: string]: { httpGet: Json } }[] } };
  };
  return ["startupProbe", "readinessProbe", "livenessProbe"].map((probe) =>
    spec.containers[0]![probe]!.httpGet
  );
}

Deno.test("a helper is called by the name of the chart and its own", () => {
  assert.equal(helper("healthPort"), '{{ include "ledgerproxy.healthPort" . }}');
});

Deno.test({
  name: "the probes ask the address that flags and configuration give the program",
  ignore: HELM === undefined,
  async fn() {
    const kubeProxy = (fields: string) =>
      `apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n${fields}\n`;
    const ours = "apiVersion: ledgerproxy.config/v1alpha1\nkind: LedgerProxyConfiguration\n";
    const folder = await Deno.makeTempDir();
    const configured = async (text: string) => {
      await Deno.writeTextFile(`${folder}/config.conf`, text);
      return ["--set-file", `config.config\\.conf=${folder}/config.conf`];
    };
    const flags = (...all: string[]) => ["--set-json", `flags=${JSON.stringify(all)}`];
    const local = await configured(kubeProxy('healthzBindAddress: "127.0.0.1:10999"'));
    for (
      const [values, port, host] of [
        [flags("--healthz-bind-address=0.0.0.0:10999"), 10999],
        [flags("--healthz-bind-address", "[::]:10999"), 10999],
        [flags("--healthz-bind-address=::"), 10256],
        [flags("--healthz-bind-address=[::1]:10999"), 10999, "::1"],
        [flags("--healthz-bind-address=192.168.0.2"), 10256],
        [local, 10999, "127.0.0.1"],
        [[...local, ...flags("--healthz-bind-address=0.0.0.0:10998")], 10998],
      ] as const
    ) {
      const wanted = { path: "/livez", port, ...(host === undefined ? {} : { host }) };
      const found = probes(await rendered(...API, ...values));
      assert.deepEqual(found, [wanted, wanted, wanted], values.join(" "));
    }
    // Of several documents it is kube-proxy's, wherever it is; an empty address means the default.
    const second = await configured(`${ours}\n---\n${kubeProxy("healthzBindAddress: 0.0.0.0:10997")}`);
    assert.deepEqual(probes(await rendered(...API, ...second))[0], { path: "/livez", port: 10997 });
    const empty = await configured(kubeProxy('healthzBindAddress: ""'));
    assert.deepEqual(probes(await rendered(...API, ...empty))[0], { path: "/livez", port: 10256 });
    const named = await rendered(...API, ...empty, "--set", "serviceProxyName=blue");
    assert.deepEqual(probes(named, "ledgerproxy-blue")[0], { path: "/livez", port: 10356 });
    await Deno.remove(folder, { recursive: true });
  },
});

Deno.test({
  name: "what scrapes or shows metrics is refused where no other machine can read them",
  ignore: HELM === undefined,
  async fn() {
    for (const name of ["podMonitor", "rules", "dashboard"]) {
      const wanted = new RegExp(`monitoring.${name} needs metrics .* set monitoring.enabled=true`);
      await assert.rejects(rendered(...API, ...set(`monitoring.${name}=true`)), wanted);
    }
    for (const flags of ["{--metrics-bind-address=0.0.0.0:9999}", "{--metrics-bind-address,0.0.0.0:9999}"]) {
      const both = set("monitoring.enabled=true", `flags=${flags}`);
      await assert.rejects(rendered(...API, ...both), /monitoring.enabled: both .* leave out one of them/);
      await rendered(...API, ...set(`flags=${flags}`));
    }
  },
});

Deno.test({
  name: "the name of a Service as the API server, the pods' own label and a check of no node are refused",
  ignore: HELM === undefined,
  async fn() {
    for (
      const host of ["kubernetes", "kubernetes.default:443", "kubernetes.default.svc/path", "a.b.svc.c:1"]
    ) {
      const refused = /is the name of a Service, .* give an address of the API server/;
      await assert.rejects(rendered(...set(`apiServer=https://${host}`)), refused, host);
    }
    for (const host of ["kubernetes.example.com", "[fd00::2]:6443", "svc", "api.svcs.example"]) {
      await rendered(...set(`apiServer=https://${host}`));
    }
    const labels = set("podLabels.app\\.kubernetes\\.io/name=x");
    await assert.rejects(rendered(...API, ...labels), /podLabels: app.kubernetes.io\/name .* leave it out/);
    // helm template asks no cluster.
    await assert.rejects(rendered(...API, ...set("check.all=true")), /no Node was found; .*--dry-run=server/);
  },
});
