// `verify` as a user runs it, on a ledger that was changed by hand, and `--repair` of it.

import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { crc32, zstdCompressSync } from "node:zlib";
import { joinedChunks } from "../../../src/byte_chunks.ts";
import { RECORDING } from "../../support/committed_evening.ts";
import { ledgerproxy } from "../../support/run_program.ts";
import { snapshotName } from "../../../src/ledger/snapshot.ts";
import { shippedCommand } from "../../support/shipped_command.ts";
import { zstdBomb } from "../../support/zstd_bomb.ts";

Deno.test("verify names the place of damage; --repair sets the ledger aside and loses only the damaged record", async () => {
  const folder = await Deno.makeTempDir();
  const name = "00000000000000000000.ndjson";
  const whole = await Deno.readTextFile(`${RECORDING}/${name}`);
  const lines = whole.trimEnd().split("\n");
  const write = (changed: readonly string[]) =>
    Deno.writeTextFile(`${folder}/${name}`, changed.map((line) => `${line}\n`).join(""));
  const cases: [string, readonly string[], RegExp][] = [
    [
      "changed",
      lines.with(100, lines[100]!.replace("10.244", "10.245")),
      /:101 \(byte \d+\): damaged \(CRC\); whole up to @98/,
    ],
    [
      "removed",
      lines.toSpliced(100, 1),
      /:101 \(byte \d+\): altered, or what was before it was \(hash chain\)/,
    ],
    ["reordered", lines.with(100, lines[101]!).with(101, lines[100]!), /:101 \(byte \d+\): altered/],
    ["repeated", lines.toSpliced(100, 0, lines[99]!), /:101 \(byte \d+\): altered/],
  ];
  for (const [what, changed, problem] of cases) {
    await write(changed);
    const { code, stdout } = await ledgerproxy(["verify", folder]);
    assert.equal(code, 1, what);
    assert.match(stdout, problem, what);
  }
  await write(lines);
  assert.deepEqual((await ledgerproxy(["verify", folder])).code, 0);
  await Deno.writeTextFile(`${folder}/${name}`, whole.slice(0, -10));
  const torn = await ledgerproxy(["verify", folder, "--json"]);
  assert.equal(torn.code, 0, "a torn tail is what a crash leaves");
  assert.match(JSON.parse(torn.stdout).notes[0], /bytes of an unfinished write/);

  await write(cases[0]![1]);
  const repaired = await ledgerproxy(["verify", folder, "--repair"]);
  assert.match(repaired.stderr, /set aside in .*damaged-.*; a new ledger begins with \d+ records of it/);
  const after = await ledgerproxy(["verify", folder, "--json"]);
  assert.deepEqual([after.code, JSON.parse(after.stdout).problems], [0, []]);
  const aside = [...Deno.readDirSync(folder)].find(({ isDirectory }) => isDirectory)!.name;
  assert.equal(await Deno.readTextFile(`${folder}/${aside}/${name}`), cases[0]![1].join("\n") + "\n");
  const why = (ledger: string) =>
    ledgerproxy(["why", "10.244.0.5", "10.96.0.10:53/udp", "--ledger", ledger, "--json"]);
  const outcomes = async (ledger: string) => JSON.parse((await why(ledger)).stdout).outcomes;
  assert.deepEqual(
    await outcomes(folder),
    await outcomes(RECORDING),
    "one record was lost, and it was not about this",
  );
  await Deno.remove(folder, { recursive: true });
});

Deno.test("verify as it is shipped takes little memory for a ledger that was made to fill it", async () => {
  const name = "00000000000000000000.ndjson";
  const lines = (await Deno.readTextFile(`${RECORDING}/${name}`)).split("\n");
  const head = new TextEncoder().encode(`${lines.slice(0, 3).join("\n")}\n`);
  const compressed = zstdCompressSync(head);
  const cases: [string, Uint8Array, RegExp][] = [
    [`${name}.zst`, joinedChunks([compressed, zstdBomb(6e9)]), /bytes when decompressed/],
    [`${name}.zst`, joinedChunks([compressed, zstdBomb(1e9, 0x5b)]), /bytes when decompressed/],
    [`${name}.zst`, zstdBomb(6e9), /bytes when decompressed/],
    [snapshotName(2), zstdBomb(6e9), /bytes when decompressed/],
    [
      name,
      joinedChunks([head, new Uint8Array(100e6).fill(0x5b), new Uint8Array([10])]),
      /a line of \d+ bytes, at most/,
    ],
    [name, joinedChunks([head, forged(lines[2]!, "[".repeat(16e6))]), /brackets and commas of JSON/],
    [name, joinedChunks([head, forged(lines[2]!, '{"k":0},'.repeat(2e6))]), /brackets and commas of JSON/],
    [name, joinedChunks([head, forged(lines[2]!, `${"[".repeat(2e5)}${"]".repeat(2e5)}`)]), /not a record/],
  ];
  for (const [i, [file, bytes, problem]] of cases.entries()) {
    const folder = await Deno.makeTempDir();
    if (file === snapshotName(2)) await Deno.writeFile(`${folder}/${name}`, head);
    await Deno.writeFile(`${folder}/${file}`, bytes);
    const { code, output, peakKilobytes } = await shippedCommand("verify", folder);
    assert.equal(code, 1, output.slice(0, 500));
    assert.match(output, problem, `case ${i}: ${output.slice(0, 500)}`);
    assert.ok(peakKilobytes > 0 && peakKilobytes < 350_000, `case ${i}: ${peakKilobytes} kB`);
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a line of 600 MB is refused while it is read: it is never in memory as a whole", async () => {
  const folder = await Deno.makeTempDir();
  const name = `${folder}/00000000000000000000.ndjson`;
  const lines = (await Deno.readTextFile(`${RECORDING}/00000000000000000000.ndjson`)).split("\n");
  await Deno.writeTextFile(name, `${lines.slice(0, 3).join("\n")}\n`);
  // Zeros that take no place on the disk.
  await Deno.truncate(name, 600e6);
  await Deno.writeTextFile(name, "\n", { append: true });
  const { code, output, peakKilobytes } = await shippedCommand("verify", folder);
  assert.ok(peakKilobytes > 0 && peakKilobytes < 350_000, `${peakKilobytes} kB`);
  assert.equal(code, 1);
  assert.match(output, /a line of \d+ bytes, at most/);
  await Deno.remove(folder, { recursive: true });
});

/** A line behind the line `before`, with the right chain and CRC, whose value is `text`. */
function forged(before: string, text: string): Uint8Array {
  const body = `{"key":{},"kind":"event","offset":2,"value":${text}`;
  const chain = hash("sha256", `${JSON.parse(before).chain}${body}}`, "hex");
  const covered = `${body},"chain":"${chain}"`;
  return new TextEncoder().encode(`${covered},"crc":"${crc32(covered).toString(16).padStart(8, "0")}"}\n`);
}
