// Makes the picture at the top of README: commands about a small ledger, typed and answered. The ledger is made here; what the
// commands print is what they print. `deno task recording` writes fixtures/terminal.svg.

import { FakeKernel } from "../../src/kernel/fake_kernel.ts";
import type { EndpointSlice, KubeObject } from "../../src/kube/objects.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
import { appears, service, slice } from "./cluster_notation.ts";
import { EngineProcess } from "./engine_process.ts";
import { ledgerproxy } from "./run_program.ts";

/** Where the picture is. */
export const PICTURE = new URL("../../fixtures/terminal.svg", import.meta.url);

/** What is typed, without the ledger's folder: a user has its default. */
const COMMANDS: readonly (readonly string[])[] = [
  ["outages", "--since", "2026-11-23 03:00"],
  ["why", "10.244.7.9", "shop/cart:http", "--at", "2026-11-23 03:13"],
  ["log", "shop/cart", "--until", "2026-11-23 03:13", "-n", "2"],
];

/** The picture as SVG. */
export async function picture(): Promise<string> {
  const folder = Deno.makeTempDirSync();
  try {
    writeLedger(folder);
    const screen: { typed: string; answer: readonly string[] }[] = [];
    for (const command of COMMANDS) {
      const { stdout } = await ledgerproxy([...command, "--ledger", folder], { TZ: "UTC" });
      const typed = ["ledgerproxy", ...command].map((word) => word.includes(" ") ? `"${word}"` : word).join(
        " ",
      );
      screen.push({ typed, answer: stdout.trimEnd().split("\n").flatMap(wrapped) });
    }
    return svgOf(screen);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

/** A quarter of an hour of a shop: rolling updates, and a Service whose selector is mistyped at 03:12. */
function writeLedger(folder: string): void {
  using kernel = new FakeKernel();
  let time = "";
  using node = new EngineProcess(kernel, folderStorage(folder, true), { complete: true, now: () => time });
  let version = 1000;
  const commit = (clock: string, ...objects: readonly KubeObject[]) => {
    time = `2026-11-23T${clock}Z`;
    const records = objects.map((object) => {
      return { ...appears(object), time, resourceVersion: String(++version) };
    });
    node.commit(records);
  };
  commit(
    "03:04:10.114",
    cart("cart"),
    cartSlice("10.244.0.11@node-a", "10.244.1.12@node-b"),
    web(1),
    webSlice(21, 22),
  );
  commit("03:07:31.902", webSlice(22, 23));
  commit("03:09:02.377", webSlice(23, 24));
  commit("03:12:07.286", cart("kart"));
  commit("03:12:07.951", cartSlice());
  commit("03:13:40.456", webSlice(24, 25));
  commit("03:15:58.020", cart("cart"));
  commit("03:15:58.611", cartSlice("10.244.0.11@node-a", "10.244.1.12@node-b"));
}

function cart(app: string): KubeObject {
  const made = service("shop/cart 10.96.0.7 http:80/tcp", "2026-11-20T09:00:00Z", { selector: { app } });
  return { ...made, metadata: { ...made.metadata, managedFields: [{ manager: "kubectl-edit" }] } };
}

const web = (last: number) => service(`shop/web 10.96.0.${last} http:80/tcp`);
const cartSlice = (...endpoints: readonly string[]): EndpointSlice =>
  slice(["shop/cart-v5qj5 http:8080/tcp", ...endpoints].join(" "));
const webSlice = (...last: readonly number[]) =>
  slice(["shop/web-c9c84 http:8080/tcp", ...last.map((one) => `10.244.0.${one}@node-a`)].join(" "));

/** `line` as a terminal of {@link COLUMNS} shows it. */
const wrapped = (line: string) => line.match(new RegExp(`.{1,${COLUMNS}}`, "g")) ?? [""];

const COLUMNS = 110;
/** Sizes in pixels. */
const [LEFT, TOP, LINE, CHARACTER] = [16, 44, 18, 7.8];
/** Seconds that typing a character and reading a line take, and that the whole stays before it begins again. */
const [TYPING, READING, STAYING] = [0.04, 0.12, 8];

/** A terminal in which the commands are typed one after the other. A reader who wants no motion sees all at once. */
function svgOf(screen: readonly { readonly typed: string; readonly answer: readonly string[] }[]): string {
  let [seconds, row] = [1, 0];
  const shown = screen.flatMap(({ typed, answer }) => {
    const prompt = textAt(row++, seconds, `$ ${typed}`, "typed");
    seconds += typed.length * TYPING;
    const lines = answer.map((line) => {
      seconds += READING;
      return textAt(row++, seconds, line, "");
    });
    seconds += 1;
    row++;
    return [prompt, ...lines];
  });
  const texts = screen.flatMap(({ typed, answer }) => [`$ ${typed}`, ...answer]);
  const width = Math.ceil(2 * LEFT + CHARACTER * Math.max(...texts.map(({ length }) => length)));
  const height = TOP + LINE * row;
  const style = `text { font: 13px ui-monospace, monospace; fill: #d0d7de; white-space: pre; opacity: 0 }
  .typed { fill: #7ee787 }
  @media (prefers-reduced-motion: reduce) { text { opacity: 1; animation: none !important } }`;
  const keyframes = shown.map(({ start }, i) => {
    const share = (100 * start / (seconds + STAYING)).toFixed(2);
    return `  @keyframes k${i} { 0%, ${share}% { opacity: 0 } ${share}1%, 100% { opacity: 1 } }`;
  });
  const lines = shown.map(({ svg }, i) =>
    svg.replace("<text", `<text style="animation: k${i} ${(seconds + STAYING).toFixed(1)}s infinite"`)
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
<title>ledgerproxy answers when shop/cart had no endpoints, where a packet went then, and which edit caused it</title>
<style>
  ${style}
${keyframes.join("\n")}
</style>
<rect width="100%" height="100%" rx="8" fill="#0d1117"/>
${
    ["#ff5f57", "#febc2e", "#28c840"].map((fill, i) =>
      `<circle cx="${20 + i * 20}" cy="18" r="6" fill="${fill}"/>`
    ).join("")
  }
${lines.join("\n")}
</svg>
`;
}

function textAt(
  row: number,
  start: number,
  text: string,
  kind: string,
): { readonly start: number; readonly svg: string } {
  const escaped = text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  const name = kind === "" ? "" : ` class="${kind}"`;
  return { start, svg: `<text${name} x="${LEFT}" y="${TOP + LINE * row}">${escaped}</text>` };
}

if (import.meta.main) await Deno.writeTextFile(PICTURE, await picture());
