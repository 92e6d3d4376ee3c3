// A Job that runs `check` on one node, with the rights that the proxy will have there. A Job of Kubernetes cannot run on every node
// by itself, so there is one for each.

import type { Manifest } from "./manifest_object.ts";
import { FEW_RIGHTS, NAME } from "./workload.ts";

/** Other pods than the proxy's, so that no selector of those takes them. */
const LABELS = { "app.kubernetes.io/name": `${NAME}-check` };
/** A finished Job is deleted after so many seconds. */
const KEPT_SECONDS = 3600;

/** What a chart adds: how the image is pulled. */
interface Pulling {
  readonly pod: Readonly<Record<string, unknown>>;
  readonly container: Readonly<Record<string, unknown>>;
}

/** The Job. It ends as failed where the node cannot run the proxy, and its log says why. */
export function checkJob(
  { name, namespace, node, image }: Readonly<Record<"name" | "namespace" | "node" | "image", string>>,
  { pod, container }: Pulling = { pod: {}, container: {} },
): Manifest {
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name, namespace, labels: LABELS },
    spec: {
      backoffLimit: 0,
      ttlSecondsAfterFinished: KEPT_SECONDS,
      template: {
        metadata: { labels: LABELS },
        spec: {
          nodeName: node,
          hostNetwork: true,
          restartPolicy: "Never",
          automountServiceAccountToken: false,
          tolerations: [{ operator: "Exists" }],
          ...pod,
          containers: [{ name: "check", image, ...container, args: ["check"], securityContext: FEW_RIGHTS }],
        },
      },
    },
  };
}
