import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cached } from "../../test/support/debian-root.ts";
import { checkBounds } from "./bounds.ts";
import { chart } from "./chart.ts";
import { measureGrowth } from "./growth.ts";
import { makeLauncher } from "./launcher.ts";
import { measure } from "./measure.ts";
import { report } from "./report.ts";
import { benchRoot } from "./roots.ts";
import { countSyscalls } from "./syscalls.ts";
import { field } from "./tools.ts";

export interface BenchOptions {
  executable: string;
  /** Where launch.c is. */
  sources: string;
  /** Where the results go: README.md and results.svg. */
  output: string;
  smallRuns: number;
  largeRuns: number;
}

/** Measures, prints the table and keeps it with its chart. Wants root and a mount namespace of its own. */
export function bench(options: BenchOptions): void {
  mkdirSync(cached("bench"), { recursive: true });
  const work = mkdtempSync(join(cached("bench"), "work-"));
  try {
    const launch = makeLauncher(options.sources, work);
    const competitors = field(options.executable);
    const small = measure(benchRoot("small", options.smallRuns), competitors, launch, work);
    const large = measure(benchRoot("large", options.largeRuns), competitors, launch, work);
    const syscalls = countSyscalls(large.root, competitors, work);
    const growth = measureGrowth(options.executable, launch, work);
    const bounds = checkBounds(small, large, growth);
    const text = report({ field: competitors, measured: [small, large], bounds, syscalls, growth, work });
    mkdirSync(options.output, { recursive: true });
    writeFileSync(join(options.output, "README.md"), text);
    writeFileSync(join(options.output, "results.svg"), chart(competitors, small, large));
    console.log(text);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
