// What is said where the program cannot listen: the address, the reason and the flag.

import assert from "node:assert/strict";
import { listenProblem } from "../../src/node/listen_problem.ts";

const FLAG = "--healthz-bind-address";

Deno.test("an address that is in use, one that the node has not, and any other failure name the flag", () => {
  const here = { hostname: "127.0.0.1", port: 0 };
  using taken = Deno.listen(here);
  const { port } = taken.addr as Deno.NetAddr;
  const problem = (address: { hostname: string; port: number }) => {
    try {
      Deno.listen(address).close();
    } catch (error) {
      return listenProblem(error, address, FLAG);
    }
    throw new Error(`${address.hostname} can be listened on`);
  };
  assert.match(
    problem({ ...here, port }),
    new RegExp(`in use \\(os error 98\\): 127.0.0.1:${port} is in use, such as .*; ${FLAG} gives another$`),
  );
  assert.match(
    problem({ hostname: "203.0.113.7", port: 0 }),
    new RegExp(`: 203.0.113.7 is no address of this node; ${FLAG} gives another$`),
  );
  assert.equal(
    listenProblem(new Error("not permitted"), { hostname: "::", port: 80 }, FLAG),
    `not permitted: ${FLAG} gives another address than [::]:80`,
  );
});
