// The pages of the runtime's own code and constants that a process has mapped. A start reads much that nothing needs afterwards, such
// as the code that loads modules, and what is mapped counts as memory of the process. Unmapped, the pages are in the page cache as
// before, where the next access finds them, and the system can take them for others first.

/** Memory from an address on, in bytes. */
export interface MappedRange {
  readonly from: bigint;
  readonly length: bigint;
}

/**
 * A line of /proc/self/maps (proc_pid_maps(5)) about a part of a file that was never written: code, and the constants at its beginning.
 * What the linker has written and protected then is readable as well, and its pages are not those of the file: it is further behind.
 */
const UNWRITTEN = /^([0-9a-f]+)-([0-9a-f]+) (?:r-xp [0-9a-f]+|r--p 0+) [0-9a-f]+:[0-9a-f]+ [1-9][0-9]* /;

/** The parts of files that were never written in `maps`, the content of /proc/self/maps. */
export function unwrittenParts(maps: string): MappedRange[] {
  return maps.split("\n").flatMap((line) => {
    const found = UNWRITTEN.exec(line);
    if (found === null) return [];
    const [from, to] = [BigInt(`0x${found[1]}`), BigInt(`0x${found[2]}`)];
    return [{ from, length: to - from }];
  });
}
