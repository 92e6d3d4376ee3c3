// Files that a program makes as texts by their paths, written to a folder.

/** Writes `files`, by their paths below `folder`. */
export async function writeFiles(folder: string, files: Iterable<readonly [string, string]>): Promise<void> {
  for (const [path, text] of files) {
    const file = `${folder}/${path}`;
    await Deno.mkdir(file.replace(/\/[^/]*$/, ""), { recursive: true });
    await Deno.writeTextFile(file, text);
  }
}
