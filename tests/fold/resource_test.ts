// Resources as elements, and the names under which Services claim them.

import assert from "node:assert/strict";
import {
  changeResource,
  elementResource,
  frontendClaim,
  frontendInKey,
  readFrontendClaim,
} from "../../src/fold/resource.ts";
import { PATHS, type ServiceSet } from "../../src/fold/skeleton.ts";
import { elementKey, setPath } from "../../src/nft/ruleset.ts";

const PATH = setPath("ip", "ledgerproxy", "cluster-ips");
const KEY = elementKey(["10.96.0.1"]);

Deno.test("the claim to a frontend can be read, and the claim to an element is none", () => {
  const frontend = elementKey(["fd00::1", "tcp", "80"]);
  assert.deepEqual(readFrontendClaim(frontendClaim("ip6", frontend)), { family: "ip6", frontend });
  assert.equal(readFrontendClaim(elementResource(PATH, { key: KEY }).claim), undefined);
});

Deno.test("the frontend in a key ends with the port; a key of no frontend is whole", () => {
  const found = (set: ServiceSet, ...key: string[]) => frontendInKey(PATHS.ip[set], elementKey(key));
  const frontend = ["10.96.0.1", "tcp", "80"];
  assert.equal(found("endpoints", ...frontend, "7"), "10.96.0.1 . tcp . 80");
  assert.equal(found("firewall-sources", ...frontend, "192.0.2.0", "0x00000018"), "10.96.0.1 . tcp . 80");
  assert.equal(found("single-endpoints", ...frontend), "10.96.0.1 . tcp . 80");
  assert.equal(found("nodeport-endpoints", "tcp", "30080", "0"), "tcp . 30080");
  assert.equal(found("cluster-ips", "10.96.0.1"), "10.96.0.1");
});

Deno.test("an element is put, replaced and removed with its resource, and an equal resource changes nothing", () => {
  const puts: unknown[] = [];
  const [plain, named] = [{ key: KEY }, { key: KEY, comment: "shop/web" }];
  const [before, after] = [elementResource(PATH, plain), elementResource(PATH, named)];
  for (const [from, to] of [[undefined, before], [before, after], [after, after], [after, undefined]]) {
    changeResource(from, to, (path, key, element) => puts.push([path, key, element]));
  }
  assert.deepEqual(puts, [[PATH, KEY, plain], [PATH, KEY, named], [PATH, KEY, undefined]]);
});
