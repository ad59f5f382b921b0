import { type Measured, sampleName } from "./measure.ts";

/** A bound that this project set itself, and whether it holds. */
export interface Bound {
  what: string;
  limit: number;
  value: number;
  unit: "×" | "MiB";
  holds: boolean;
}

/** The bounds on time, as ratios to NVIDIA's hook in the same run, and on peak memory. */
export function checkBounds(small: Measured, large: Measured): Bound[] {
  return [
    ...ratio("noop", small, "noop", 0.4),
    ...ratio("create-symlinks, 5 links", small, "create-symlinks", 0.45),
    ...ratio(`update-ldcache, ${small.root.entries} libraries`, small, "update-ldcache", 0.5),
    ...ratio(`update-ldcache, ${large.root.entries} libraries`, large, "update-ldcache", 0.8),
    ...together("chain", "ours together", small, sampleName("ours", "update-ldcache"), 1.3),
    ...together("apply", "ours applied", small, sampleName("ours", "update-ldcache"), 1.3),
    ...together("chain", "ours together", small, sampleName("nvidia", "chain"), 0.25),
    memory(small, 8),
    memory(large, 24),
  ];
}

function ratio(what: string, { times }: Measured, step: string, limit: number): Bound[] {
  if (!times.has(sampleName("nvidia", step))) return [];
  const value = times.median(sampleName("ours", step)) / times.median(sampleName("nvidia", step));
  return [{ what, limit, value, unit: "×", holds: value <= limit }];
}

function together(
  what: string,
  key: Parameters<typeof sampleName>[0],
  { times }: Measured,
  other: string,
  limit: number,
): Bound[] {
  if (!times.has(other)) return [];
  const value = times.median(sampleName(key, "chain")) / times.median(other);
  const toWhat = other.startsWith("nvidia") ? "NVIDIA's five hooks" : "update-ldcache";
  return [{ what: `${what} to ${toWhat}`, limit, value, unit: "×", holds: value <= limit }];
}

function memory({ root, peaks }: Measured, limit: number): Bound {
  const value = peaks.largest(sampleName("ours", "update-ldcache")) / 1024;
  return { what: `peak memory, ${root.entries} libraries`, limit, value, unit: "MiB", holds: value <= limit };
}
