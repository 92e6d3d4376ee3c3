// The configuration file while the program runs; tests/cluster/run_test.ts changes one under the running program.

import assert from "node:assert/strict";
import { type Settings, settings } from "../../src/node/config.ts";
import { watchConfig } from "../../src/node/config_watch.ts";
import { until } from "../support/until.ts";

const configText = (bit: number, port = 10256) =>
  `kind: KubeProxyConfiguration
apiVersion: kubeproxy.config.k8s.io/v1alpha1
mode: nftables
healthzBindAddress: 127.0.0.1:${port}
nftables: {masqueradeBit: ${bit}}
`;

Deno.test("a file that was changed after the program had read it is applied; one that was not is left alone", async () => {
  const config = await Deno.makeTempFile();
  const began = (text: string) => {
    Deno.writeTextFileSync(config, text);
    return settings({ config });
  };
  try {
    for (
      const [now, expected] of [[configText(14), []], [configText(5), [5]], [configText(14, 10300), [
        "restart",
      ]]] as const
    ) {
      const inForce = began(configText(14));
      Deno.writeTextFileSync(config, now);
      const seen: (number | "restart")[] = [];
      using _watch = watchConfig({ config }, inForce, {
        apply: ({ proxy }: Settings) => seen.push(proxy.masqueradeBit),
        restart: () => seen.push("restart"),
      });
      if (expected.length > 0) await until("the change is seen", () => seen.length > 0);
      // Something that is surely seen later.
      Deno.writeTextFileSync(config, configText(7));
      if (expected[0] !== "restart") await until("the next change is seen", () => seen.includes(7));
      assert.deepEqual(seen.filter((one) => one !== 7), expected);
    }
  } finally {
    await Deno.remove(config);
  }
});

Deno.test("a file that is gone is named once it stays away, and its settings stay in force", async () => {
  const config = await Deno.makeTempFile();
  Deno.writeTextFileSync(config, configText(14));
  const module = (name: string) => JSON.stringify(new URL(`../../src/node/${name}.ts`, import.meta.url).href);
  const program = `import { settings } from ${module("config")};
import { watchConfig } from ${module("config_watch")};
import { startLog } from ${module("log")};
startLog();
const config = ${JSON.stringify(config)};
const fail = () => console.error("a change");
watchConfig({ config }, settings({ config }), { apply: fail, restart: fail });
Deno.removeSync(config);`;
  await using process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "-"],
    cwd: new URL("../../", import.meta.url),
    stdin: "piped",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const writer = process.stdin.getWriter();
  await writer.write(new TextEncoder().encode(program));
  await writer.close();
  let text = "";
  for await (const part of process.stderr.pipeThrough(new TextDecoderStream())) {
    text += part;
    if (text.includes("put it back")) break;
  }
  assert.equal(
    text,
    `warning: --config ${config}: there is no such file any more; what it said stays in force, and the next start needs it: put it back\n`,
  );
});
