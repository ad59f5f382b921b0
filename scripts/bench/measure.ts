import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stateFor } from "../../test/support/executable.ts";
import type { Launch } from "./launcher.ts";
import { type BenchRoot, freshCopy } from "./roots.ts";
import { Samples } from "./statistics.ts";
import { bundleHooks, type Field, type Tool } from "./tools.ts";

export interface Measured {
  root: BenchRoot;
  /** Milliseconds, by {@link sampleName}; also of `chain`, the sum of the chain's hooks, and of `true`. */
  times: Samples;
  /** Milliseconds of processor time, by the same names. */
  processor: Samples;
  /** KiB, by the same names. */
  peaks: Samples;
}

export function sampleName(tool: Tool["key"] | "true", step: string): string {
  return `${tool}: ${step}`;
}

/**
 * Measures every tool on fresh copies of a root, in turns, so that a slow moment of the machine meets all of them. Copying,
 * mounting and cleaning up are not timed. The root is a mount point, as NVIDIA's hook wants it: the caller has a mount
 * namespace of its own.
 */
export function measure(root: BenchRoot, field: Field, launch: Launch, work: string): Measured {
  const times = new Samples();
  const processor = new Samples();
  const peaks = new Samples();
  for (let run = 0; run <= root.runs; run += 1) {
    const tools = [...field.tools, ...field.together];
    const order = [...tools.slice(run % tools.length), ...tools.slice(0, run % tools.length)];
    for (const tool of order) {
      inFreshCopy(root, work, (copy, state) => {
        const costs = tool.steps.map(({ name, program }) => ({ name, cost: launch(state, program(copy)) }));
        // The first round only warms the caches.
        if (run === 0) return;
        for (const { name, cost } of costs) {
          const sample = sampleName(tool.key, name);
          times.add(sample, cost.milliseconds);
          processor.add(sample, cost.processor);
          peaks.add(sample, cost.peak);
        }
        const links = costs.filter(({ name }) => field.chain.includes(name));
        if (links.length < field.chain.length) return;
        times.add(sampleName(tool.key, "chain"), sum(links.map(({ cost }) => cost.milliseconds)));
        processor.add(sampleName(tool.key, "chain"), sum(links.map(({ cost }) => cost.processor)));
      });
    }
    const nothing = launch("/dev/null", ["/bin/true"]);
    times.add(sampleName("true", "true"), nothing.milliseconds);
    peaks.add(sampleName("true", "true"), nothing.peak);
    process.stderr.write(`\rbench: ${root.name} root, run ${run} of ${root.runs}`);
  }
  process.stderr.write("\n");
  return { root, times, processor, peaks };
}

/**
 * Calls `use` with a fresh copy of the root, mounted on itself, and the path of a state that names it. Copies stay until all
 * is measured: ext4 takes its time over a new file while the inodes around it were freed within the last seconds.
 */
export function inFreshCopy(root: BenchRoot, work: string, use: (copy: string, state: string) => void): void {
  const bundle = mkdtempSync(join(work, `${root.name}-`));
  const copy = join(bundle, "rootfs");
  const state = join(bundle, "state.json");
  writeFileSync(state, stateFor(copy));
  const config = { ociVersion: "1.0.2", root: { path: "rootfs" }, hooks: { createContainer: bundleHooks } };
  writeFileSync(join(bundle, "config.json"), JSON.stringify(config));
  freshCopy(root.path, copy);
  mkdirSync(join(copy, "proc"), { recursive: true });
  execFileSync("mount", ["--rbind", copy, copy]);
  try {
    use(copy, state);
  } finally {
    execFileSync("umount", ["--lazy", "--recursive", copy]);
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
