// On which sockets a server waits for an address, as far as the system gives them.

import assert from "node:assert/strict";
import { listenOn } from "../../src/serve/listening.ts";

const PORT = 20_271;

/** The addresses that are listened on, and those that are closed again, on a system that answers as `listen` does. */
function listened(hostname: string, failing: Readonly<Record<string, Error>>, ipv4Alone = false) {
  const open: string[] = [];
  const said = (() => {
    try {
      const { withoutIpv6 } = listenOn({ hostname, port: PORT, ipv4Alone }, ({ hostname = "" }) => {
        if (failing[hostname]) throw failing[hostname];
        open.push(hostname);
        return { close: () => void open.splice(open.indexOf(hostname), 1) } as Deno.TcpListener;
      });
      return withoutIpv6 ?? "";
    } catch (error) {
      return `${error}`;
    }
  })();
  return [open.join(" "), said];
}

Deno.test("an address of both families has the sockets that the system needs for it", () => {
  const inUse = new Deno.errors.AddrInUse("in use");
  const unknown = new Error("no such family");
  const none = Object.assign(new Error("too many open files"), { code: "EMFILE" });
  for (const hostname of ["0.0.0.0", "::"]) {
    assert.deepEqual(listened(hostname, { "0.0.0.0": inUse }), ["::", ""], "one socket has both");
    assert.deepEqual(listened(hostname, {}), [":: 0.0.0.0", ""], "net.ipv6.bindv6only");
    assert.deepEqual(listened(hostname, { "::": unknown }), ["0.0.0.0", "no such family"], "without IPv6");
    assert.deepEqual(listened(hostname, { "::": inUse }), ["", "AddrInUse: in use"]);
    assert.deepEqual(listened(hostname, { "0.0.0.0": none }), ["", "Error: too many open files"]);
    const manifest = { "0.0.0.0": new Deno.errors.NotCapable("not permitted") };
    assert.deepEqual(listened(hostname, manifest), ["::", ""], "a manifest of before has :: alone");
  }
  assert.deepEqual(listened("0.0.0.0", {}, true), ["0.0.0.0", ""]);
  assert.deepEqual(listened("127.0.0.1", {}), ["127.0.0.1", ""]);
  assert.deepEqual(listened("::1", { "::1": unknown }), ["", "Error: no such family"]);
});

Deno.test("every address of both families is one socket here, and that of IPv4 alone has no client of IPv6", async () => {
  const connects = async (hostname: string) => {
    try {
      (await Deno.connect({ hostname, port: PORT })).close();
      return true;
    } catch {
      return false;
    }
  };
  for (const [ipv4Alone, expected] of [[false, [true, true]], [true, [true, false]]] as const) {
    const { listeners: [listener, ...more] } = listenOn({ hostname: "0.0.0.0", port: PORT, ipv4Alone });
    assert.deepEqual(more, []);
    assert.deepEqual(await Promise.all(["127.0.0.1", "::1"].map(connects)), expected);
    listener!.close();
  }
});
