// Makes src/plan/sha256_lanes.generated.ts: a WebAssembly module that hashes four messages at once, as SHA-256 (FIPS 180-4), one in each
// 32-bit lane of its vectors. A test makes it again and compares.
//
//   deno task sha256-lanes

import wabt from "wabt";

/** The file that is made. */
export const LANES_FILE = new URL("../../src/plan/sha256_lanes.generated.ts", import.meta.url);

// Where things are in the memory of the module. Vectors have 16 bytes.
const K = 0;
const W = K + 64 * 4;
const SUMS = W + 64 * 16;
const FACTORS = SUMS + 8 * 16;
const MESSAGES = 2048;

/** Rounds that are written out one behind the other. After eight, each variable has its own name again. */
const ROUNDS = 8;
/** Words of the schedule that are written out. Each needs the one two before it. */
const SCHEDULED = 4;

const STATE = ["a", "b", "c", "d", "e", "f", "g", "h"];
/** The order of bytes that turns each word of a vector round. */
const TURNED = "3 2 1 0 7 6 5 4 11 10 9 8 15 14 13 12";

const PRIMES = firstPrimes(64);

function firstPrimes(count: number): number[] {
  const primes: number[] = [];
  for (let n = 2; primes.length < count; n++) if (primes.every((prime) => n % prime !== 0)) primes.push(n);
  return primes;
}

/** The first 32 bits of the fraction of a root: the constants of SHA-256 (FIPS 180-4, 4.2.2 and 5.3.3). */
function fraction(root: number): number {
  return Math.floor((root - Math.floor(root)) * 2 ** 32);
}

const get = (name: string) => `(local.get $${name})`;
const set = (name: string, value: string) => `(local.set $${name} ${value})\n`;
const add = (first: string, ...others: string[]) =>
  others.reduce((sum, one) => `(i32x4.add ${sum} ${one})`, first);
const xor = (first: string, ...others: string[]) =>
  others.reduce((sum, one) => `(v128.xor ${sum} ${one})`, first);
const shifted = (name: string, bits: number) => `(i32x4.shr_u ${get(name)} (i32.const ${bits}))`;
const rotated = (name: string, bits: number) =>
  `(v128.or ${shifted(name, bits)} (i32x4.shl ${get(name)} (i32.const ${32 - bits})))`;
/** The vector at `offset` behind the address in the variable `base`, or behind 0. */
const load = (offset: number, base?: string) =>
  `(v128.load offset=${offset} ${base === undefined ? "(i32.const 0)" : get(base)})`;
const store = (offset: number, value: string, base?: string) =>
  `(v128.store offset=${offset} ${base === undefined ? "(i32.const 0)" : get(base)} ${value})\n`;
const repeated = (count: number, write: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => write(i)).join("");
/** Writes `body` as a loop over the variable `i`, which grows by `step` while it is less than `end`. */
const loop = (name: string, step: number, end: number, body: string) =>
  set("i", "(i32.const 0)") +
  `(loop $${name}\n${body}(br_if $${name} (i32.lt_u (local.tee $i (i32.add ${
    get("i")
  } (i32.const ${step}))) ` +
  `(i32.const ${end}))))\n`;

/** Word `t` of each message's block, where lane 0 has the first message. */
function word(t: number): string {
  const lanes = ["m1", "m2", "m3"].reduce(
    (vector, message, i) => `(v128.load32_lane offset=${4 * t} ${i + 1} ${get(message)} ${vector})`,
    `(v128.load32_zero offset=${4 * t} ${get("m0")})`,
  );
  return `(i8x16.shuffle ${TURNED} ${lanes} (v128.const i32x4 0 0 0 0))`;
}

/** Word `16 + u` behind the one at `i` (FIPS 180-4, 6.2.2, step 1). */
function scheduled(u: number): string {
  const at = (t: number) => load(W + 16 * (t + u), "i");
  return set("x", at(1)) + set("y", at(14)) + store(
    W + 16 * (16 + u),
    add(
      at(0),
      at(9),
      xor(rotated("x", 7), rotated("x", 18), shifted("x", 3)),
      xor(rotated("y", 17), rotated("y", 19), shifted("y", 10)),
    ),
    "i",
  );
}

/** Round `u` behind the one whose word is at `i` (6.2.2, step 3). In place of moving the state, each round names it anew. */
function round(u: number): string {
  const now = (name: string) => STATE[(STATE.indexOf(name) - u + 8) % 8]!;
  const [a, b, c] = [get(now("a")), get(now("b")), get(now("c"))];
  const [e, f, g] = [get(now("e")), get(now("f")), get(now("g"))];
  const constant = `(v128.load32_splat offset=${K + 4 * u} (i32.shr_u ${get("i")} (i32.const 2)))`;
  const choice = `(v128.bitselect ${f} ${g} ${e})`;
  // Where a and b differ, c decides.
  const majority = `(v128.bitselect ${c} ${a} ${xor(a, b)})`;
  const large = (name: string, bits: readonly [number, number, number]) =>
    xor(rotated(now(name), bits[0]), rotated(now(name), bits[1]), rotated(now(name), bits[2]));
  return set(
    "x",
    add(get(now("h")), large("e", [6, 11, 25]), choice, constant, load(W + 16 * u, "i")),
  ) +
    set(now("d"), add(get(now("d")), get("x"))) +
    set(now("h"), add(get("x"), large("a", [2, 13, 22]), majority));
}

/** The module as text (WebAssembly with its vectors of 128 bits). */
function moduleText(): string {
  const hashes = STATE.map((name) => name.toUpperCase());
  const vectors = [...STATE, ...hashes, "x", "y"].map((name) => `(local $${name} v128)`).join(" ");
  const constants = PRIMES.map((prime) => fraction(Math.cbrt(prime)));
  const bytes = constants.flatMap((one) =>
    [one, one >>> 8, one >>> 16, one >>> 24].map((byte) => byte & 0xff)
  );
  const data = bytes.map((byte) => `\\${byte.toString(16).padStart(2, "0")}`).join("");
  const initial = hashes.map((hash, i) =>
    set(hash, `(i32x4.splat (i32.const ${fraction(Math.sqrt(PRIMES[i]!))}))`)
  );
  const messages = ["m1", "m2", "m3"].map((message, i) =>
    set(message, `(i32.add ${get(`m${i}`)} ${get("stride")})`)
  );
  const block = repeated(16, (t) => store(W + 16 * t, word(t))) +
    STATE.map((name, i) => set(name, get(hashes[i]!))).join("") +
    loop("schedule", 16 * SCHEDULED, 16 * 48, repeated(SCHEDULED, scheduled)) +
    loop("rounds", 16 * ROUNDS, 16 * 64, repeated(ROUNDS, round)) +
    hashes.map((hash, i) => set(hash, add(get(hash), get(STATE[i]!)))).join("") +
    ["m0", "m1", "m2", "m3"].map((message) => set(message, `(i32.add ${get(message)} (i32.const 64))`)).join(
      "",
    );
  const sums = hashes.map((hash, i) => {
    const turned = `(i8x16.shuffle ${TURNED} ${get(hash)} ${get(hash)})`;
    return store(SUMS + 16 * i, add(load(SUMS + 16 * i), `(i32x4.mul ${load(0, "factors")} ${turned})`));
  });
  return `(module
(memory (export "memory") 1)
(data (i32.const ${K}) "${data}")
(func (export "add") (param $m0 i32) (param $blocks i32) (param $factors i32)
(local $stride i32) (local $m1 i32) (local $m2 i32) (local $m3 i32) (local $i i32) ${vectors}
${set("stride", `(i32.mul ${get("blocks")} (i32.const 64))`)}${initial.join("")}${
    messages.join("")
  }(loop $block
${block}(br_if $block (local.tee $blocks (i32.sub ${get("blocks")} (i32.const 1)))))
${sums.join("")}))
`;
}

/** The text of {@link LANES_FILE}, made now. */
export async function lanesSource(): Promise<string> {
  const { parseWat } = await wabt();
  const module = parseWat("sha256_lanes.wat", moduleText(), { simd: true });
  module.validate();
  const { buffer } = module.toBinary({});
  module.destroy();
  return `// Made by \`deno task sha256-lanes\` from tests/support/sha256_lanes.ts. Do not edit.

/** A module that hashes four messages at once, in base64, and where things are in its memory, in bytes. */
export const SHA256_LANES = {
  /** Eight vectors: the sums of the hashes, a word each, its lowest byte first. */
  sums: ${SUMS},
  /** Room for vectors: what the hash of each message is multiplied with before it is added; 0 for none. */
  factors: ${FACTORS},
  /** Room for messages begins here. */
  messages: ${MESSAGES},
  module: "${buffer.toBase64()}",
};
`;
}

if (import.meta.main) await Deno.writeTextFile(LANES_FILE, await lanesSource());
