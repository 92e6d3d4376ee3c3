// Frontends that move from one Service to another in a commit.

import assert from "node:assert/strict";
import { PATHS } from "../../src/fold/skeleton.ts";
import { type Element, elementKey } from "../../src/nft/ruleset.ts";
import type { Delta } from "../../src/plan/delta.ts";
import { movedFrontends, movedTexts } from "../../src/plan/moved_frontends.ts";

const frontend = (address: string, comment: string): Element => ({
  key: elementKey([address, "tcp", "80"]),
  value: "0.0.0.1",
  comment,
});
const replaced = (before: Element, after: Element): Delta[number] => ({
  set: PATHS.ip["service-ips"],
  key: before.key,
  before,
  after,
});

Deno.test("a frontend moves where the Service of its element changes, not where the port or the lead does", () => {
  const web = frontend("192.0.2.1", "shop/web:http");
  const delta: Delta = [
    replaced(web, { ...web, comment: "shop/api:http" }),
    replaced(frontend("192.0.2.2", "shop/web:http"), frontend("192.0.2.2", "shop/web:https")),
    replaced(frontend("192.0.2.3", "shop/web"), {
      ...frontend("192.0.2.3", "shop/web"),
      value: "0.0.0.2",
    }),
  ];
  assert.deepEqual(movedFrontends(delta), [
    { family: "ip", frontend: "192.0.2.1 . tcp . 80", from: "shop/web", to: "shop/api" },
  ]);
});

Deno.test("a frontend that loses its endpoints moves from one map to another, and is followed", () => {
  const { key } = frontend("192.0.2.1", "");
  const before = { key, value: "0.0.0.1", comment: "shop/web:http" };
  const after = { key, value: "continue", comment: "shop/api:http" };
  const delta: Delta = [
    { set: PATHS.ip["no-endpoint-services"], key, before: undefined, after },
    { set: PATHS.ip["service-ips"], key, before, after: undefined },
  ];
  assert.deepEqual(movedFrontends(delta).map(({ from, to }) => [from, to]), [["shop/web", "shop/api"]]);
});

Deno.test("a cluster IP with two endpoints, which has slots alone, moves like any other", () => {
  const slot = (number: number) => elementKey(["10.96.0.1", "tcp", "80", String(number)]);
  const element = (number: number, comment: string) => ({
    key: slot(number),
    value: `10.244.0.${number} . 80`,
    comment,
  });
  const delta: Delta = [0, 1].map((number) => ({
    ...replaced(element(number, "shop/web:http"), element(number, "shop/api:http")),
    set: PATHS.ip.endpoints,
  }));
  assert.deepEqual(movedFrontends(delta), [
    { family: "ip", frontend: "10.96.0.1 . tcp . 80", from: "shop/web", to: "shop/api" },
  ]);
});

Deno.test("an external address with one endpoint, which has no lead, moves like any other", () => {
  const element = (comment: string) => ({ ...frontend("192.0.2.1", comment), value: "10.244.0.1 . 80" });
  const set = PATHS.ip["single-external-endpoints"];
  const delta = [{ ...replaced(element("shop/web:http"), element("shop/api:http")), set }];
  assert.deepEqual(movedFrontends(delta), [
    { family: "ip", frontend: "192.0.2.1 . tcp . 80", from: "shop/web", to: "shop/api" },
  ]);
});

Deno.test("one line for two Services names five frontends and counts the others", () => {
  const moved = Array.from({ length: 7 }, (_, i) => ({
    family: "ip" as const,
    frontend: `192.0.2.${i} . tcp . 80`,
    from: "shop/web",
    to: "shop/api",
  }));
  const [line, ...others] = movedTexts(moved);
  assert.deepEqual(others, []);
  assert.match(
    line!.text,
    /^ip 192\.0\.2\.0 \. tcp \. 80, .* and 2 more: served shop\/web until now, leads to shop\/api/,
  );
});
