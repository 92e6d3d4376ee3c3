// `deno task damages [WORDS]`: starts the program on ledgers that are damaged in some thirty ways, while our rules are in the kernel or
// gone, with the API server there or away, and prints what came out. Ends with 1 where a Service that stood was lost, or one that
// was deleted came back, though the kernel, the server or a whole record knew better; and where the ledger afterwards is not whole.

import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import {
  aliveServer,
  CIRCUMSTANCES,
  DAMAGES,
  heldText,
  startOn,
  verdictOf,
  wholeLedger,
} from "./damaged_ledgers.ts";

const [words = ""] = Deno.args;
const folder = Deno.makeTempDirSync();
const counts = { right: 0, unknowable: 0, wrong: 0 };
let [silent, problems] = [0, 0];
{
  using kernel = new NetlinkKernel();
  await using api = aliveServer();
  const whole = await wholeLedger(folder, kernel);
  console.log(`${"".padEnd(46)}rules stand             rules gone`);
  console.log(`${"damage".padEnd(46)}API there   API away    API there   API away`);
  for (const [name, damage] of Object.entries(DAMAGES).filter(([name]) => name.includes(words))) {
    const cells: string[] = [];
    for (const circumstances of CIRCUMSTANCES) {
      const outcome = await startOn(whole, damage, circumstances, { folder, kernel, api });
      counts[verdictOf(name, circumstances, outcome)]++;
      const isSilent = outcome.named.length === 0;
      if (isSilent) silent++;
      if (outcome.problems.length > 0) problems++;
      cells.push(`${heldText(outcome) || "right"}${isSilent ? " ?" : ""}`.padEnd(12));
      for (const problem of outcome.problems) console.log(`${name}: ${problem}`);
      if (Deno.env.has("LOGS")) console.log(outcome.log, outcome.named);
    }
    console.log(`${name.padEnd(46)}${cells.join("")}`);
  }
}
Deno.removeSync(folder, { recursive: true });
const { right, unknowable, wrong } = counts;
console.log("-: lost, +: came back, ?: the start said nothing about the past");
console.log(
  `${right} starts right, ${unknowable} without what no whole record had, ${wrong} wrong; ` +
    `${silent} silent; ${problems} ledgers not whole afterwards`,
);
Deno.exitCode = wrong + problems === 0 ? 0 : 1;
