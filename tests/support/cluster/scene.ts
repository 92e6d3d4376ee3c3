// What tests with a real API server begin with. Where its programs are missing, the tests are skipped.

import { Lab } from "../lab/lab.ts";
import type { Manifest } from "../scenario/scenario.ts";
import { ControlPlane, missingAssets } from "./control_plane.ts";
import { addApiAddress } from "./near_plane.ts";
import { reportSkip } from "../skipped.ts";
import { API_ADDRESS, ApiCluster, connectApi, furnishApi } from "./oracle.ts";

/** A node in a lab, which reaches an API server. */
export interface Scene {
  readonly lab: Lab;
  readonly plane: ControlPlane;
  readonly api: ApiCluster;
  /** For logs and ledgers; it is removed at the end. */
  readonly folder: string;
}

const missing = missingAssets();
if (missing !== undefined) reportSkip(missing);
let hasAddress = false;

/** A test that needs the programs of Kubernetes. */
export function clusterTest(
  name: string,
  fn: (context: Deno.TestContext) => Promise<void>,
  ignore = false,
): void {
  Deno.test({ name, fn, ignore: ignore || missing !== undefined });
}

/** A test with a {@link Scene} whose API server has `objects`. */
export function sceneTest(
  name: string,
  objects: readonly Manifest[],
  play: (scene: Scene) => Promise<void>,
  ignore = false,
): void {
  clusterTest(name, async () => {
    const folder = await Deno.makeTempDir();
    using lab = new Lab();
    connectApi(lab);
    await using plane = await ControlPlane.start(API_ADDRESS);
    await furnishApi(plane);
    const api = new ApiCluster(plane);
    await api.replace(objects);
    await play({ lab, plane, api, folder });
    await Deno.remove(folder, { recursive: true });
  }, ignore);
}

/** A test with an API server in its own namespace, and a folder. */
export function planeTest(
  name: string,
  play: (plane: ControlPlane, folder: string) => Promise<void>,
): void {
  clusterTest(name, async () => {
    if (!hasAddress) addApiAddress();
    hasAddress = true;
    const folder = await Deno.makeTempDir();
    await using plane = await ControlPlane.start(API_ADDRESS);
    await play(plane, folder);
    await Deno.remove(folder, { recursive: true });
  });
}
