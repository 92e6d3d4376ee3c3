// The pages of the runtime's own code and constants that a process has mapped. A start reads much that nothing needs afterwards, such
// as the code that loads modules, and what is mapped counts as memory of the process. Unmapped, the pages are in the page cache as
// before, where the next access finds them, and the system can take them for others first.

/** Memory from an address on, in bytes. */
export interface MappedRange {
  readonly from: bigint;
  readonly length: bigint;
}

/** The first line of a part of /proc/self/smaps (proc_pid_smaps(5)): one of a file, private and not writable. */
const OF_A_FILE = /^([0-9a-f]+)-([0-9a-f]+) r-[x-]p [0-9a-f]+ [0-9a-f]+:[0-9a-f]+ [1-9][0-9]* /;
/**
 * What the linker or a debugger has written is not what is in the file, also where it was protected then: it must not be unmapped, in
 * memory or swapped out. Both lines must be there, because a text may be cut off.
 */
const UNWRITTEN = /^Anonymous: +0 kB$[^]*^Swap: +0 kB$/m;

/** The parts of files that were never written in `smaps`, the content of /proc/self/smaps. */
export function unwrittenParts(smaps: string): MappedRange[] {
  return smaps.split(/\n(?=[0-9a-f]+-)/).flatMap((part) => {
    const found = OF_A_FILE.exec(part);
    if (found === null || !UNWRITTEN.test(part)) return [];
    const [from, to] = [BigInt(`0x${found[1]}`), BigInt(`0x${found[2]}`)];
    return [{ from, length: to - from }];
  });
}
