// What the metrics of a process show in tests.

/** Facts of a process, and versions. */
export const PROCESS = {
  process: () => ({
    cpuSeconds: 1.5,
    residentBytes: 4096,
    virtualBytes: 8192,
    startedAt: 100.25,
    descriptors: 12,
    descriptorsMax: 1024,
  }),
  build: { version: "1.2.3" },
};
