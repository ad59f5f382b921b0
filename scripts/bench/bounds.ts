import type { Growth } from "./growth.ts";
import { type Measured, sampleName } from "./measure.ts";

/** A bound that this project set itself, and whether it holds. */
export interface Bound {
  what: string;
  limit: number;
  value: number;
  unit: "×" | "MiB";
  holds: boolean;
}

/** MiB that a rebuild may take besides the cache itself. */
const REBUILD_MEMORY = 32;

/** The bounds on time, as ratios to NVIDIA's hook in the same run, and on peak memory. */
export function checkBounds(small: Measured, large: Measured, growth: readonly Growth[]): Bound[] {
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
    ...rebuilt(large),
    ...grown(growth),
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

/** To ldconfig, which does less: `-X` leaves links alone. */
function rebuilt({ root, times }: Measured): Bound[] {
  const ldconfig = sampleName("ldconfig -r -X", "rebuild");
  if (!times.has(ldconfig)) return [];
  const value = times.median(sampleName("ours", "rebuild")) / times.median(ldconfig);
  const what = `ldcache rebuild to ldconfig, ${root.entries} libraries`;
  return [{ what, limit: 1.2, value, unit: "×", holds: value <= 1.2 }];
}

/** From the smallest root to the largest one: time for each library, and memory. */
function grown(growth: readonly Growth[]): Bound[] {
  const [smallest, largest] = [growth.at(0), growth.at(-1)];
  if (smallest === undefined || largest === undefined) return [];
  const { libraries } = largest;
  const slope = largest.ours / libraries / (smallest.ours / smallest.libraries);
  const limit = REBUILD_MEMORY + largest.cache / 1024;
  const peak = largest.peak / 1024;
  const steady = `ldcache rebuild, a library of ${libraries} to one of ${smallest.libraries}`;
  return [
    { what: steady, limit: 1.25, value: slope, unit: "×", holds: slope <= 1.25 },
    {
      what: `peak memory of ldcache rebuild, ${libraries} libraries`,
      limit,
      value: peak,
      unit: "MiB",
      holds: peak <= limit,
    },
  ];
}

function memory({ root, peaks }: Measured, limit: number): Bound {
  const value = peaks.largest(sampleName("ours", "update-ldcache")) / 1024;
  return { what: `peak memory, ${root.entries} libraries`, limit, value, unit: "MiB", holds: value <= limit };
}
