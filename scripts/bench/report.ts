import { execFileSync } from "node:child_process";
import { cpus, release } from "node:os";
import type { Bound } from "./bounds.ts";
import type { Growth } from "./growth.ts";
import { type Measured, sampleName } from "./measure.ts";
import type { SyscallCount } from "./syscalls.ts";
import type { Field, Tool } from "./tools.ts";

export interface Results {
  field: Field;
  measured: readonly Measured[];
  bounds: readonly Bound[];
  /** Of the larger root. */
  syscalls: ReadonlyMap<Tool["key"], SyscallCount>;
  growth: readonly Growth[];
  work: string;
}

const steps = ["noop", "create-symlinks", "update-ldcache", "update-ldcache again", "rebuild", "chain"] as const;
const describedSteps: Record<(typeof steps)[number], string> = {
  noop: "noop",
  "create-symlinks": "create-symlinks, 5 links",
  "update-ldcache": "update-ldcache, first start",
  "update-ldcache again": "update-ldcache, second start",
  rebuild: "ldcache rebuild, nothing to change",
  chain: "all hooks of a start",
};

/** The results as Markdown: what docs/bench/README.md holds, and what is printed. */
export function report(results: Results): string {
  const { field, measured, bounds } = results;
  return [
    "# What a start costs",
    "",
    "Made by `npm run bench`; do not edit. Whole processes, started by a small C program (`scripts/bench/launch.c`), the",
    "programs in turns, each on a fresh copy of the root; medians. Copying and mounting are not timed; everything is in the",
    "page cache. NVIDIA's figures for update-ldcache include the ldconfig that it runs.",
    "",
    ...diskWaits(results),
    `Machine: ${machine(results.work)}.`,
    "",
    "![Times relative to NVIDIA's hook](results.svg)",
    "",
    ...measured.flatMap((one) => timesOf(one, field)),
    ...boundsTable(bounds),
    ...peakTable(measured, field),
    ...syscallTable(results),
    ...growthTable(results.growth),
    ...(field.missing.length === 0 ? [] : ["Not measured:", "", ...field.missing.map((line) => `- ${line}`), ""]),
  ].join("\n");
}

/** Waiting for the disk is most of what a first start costs on some machines. */
function diskWaits({ syscalls, field }: Results): string[] {
  const counts = field.tools
    .filter(({ key }) => syscalls.has(key))
    .map(({ key, name }) => `${name} ${syscalls.get(key)?.get("fsync") ?? 0}`);
  return counts.length === 0 ? [] : [`How often a first start waits for the disk (fsync): ${counts.join(", ")}.`, ""];
}

function machine(work: string): string {
  const processors = cpus();
  const fileSystem = execFileSync("stat", ["-f", "-c", "%T", work], { encoding: "utf8" }).trim();
  return `${processors.length} × ${processors[0]?.model.trim() ?? "unknown"}, Linux ${release()}, roots on ${fileSystem}`;
}

function timesOf({ root, times, processor }: Measured, field: Field): string[] {
  return [
    `## ${root.entries} libraries`,
    "",
    `${root.entries} cache entries, ${root.inodes} files. ${root.contents}. ${times.count(sampleName("ours", "noop"))} runs each.`,
    "",
    ...timeTable("ms", times, field),
    "",
    "Of that, processor time, which a busy machine disturbs less:",
    "",
    ...timeTable("ms of processor", processor, field),
    "",
    `The hooks of a start: ${field.chain.join(", ")}. \`/bin/true\` takes ${milliseconds(times.median(sampleName("true", "true")))} ms.`,
    ...together(times, field),
    "",
  ];
}

function together(times: Measured["times"], field: Field): string[] {
  return field.together.flatMap(({ key, name }) => {
    const chained = times.median(sampleName(key, "chain"));
    const single = (chained / times.median(sampleName("ours", "update-ldcache"))).toFixed(2);
    const nvidia = sampleName("nvidia", "chain");
    const theirs = times.has(nvidia) ? `, ${(chained / times.median(nvidia)).toFixed(2)} × NVIDIA's processes` : "";
    return [
      `\`${name}\` runs them in one process: ${milliseconds(chained)} ms, ${single} × a single update-ldcache${theirs}.`,
    ];
  });
}

function timeTable(unit: string, times: Measured["times"], field: Field): string[] {
  const others = field.tools.filter(({ key }) => key !== "ours");
  const rows = steps
    .filter((step) => times.has(sampleName("ours", step)))
    .map((step) =>
      [describedSteps[step]].concat(
        field.tools.map(({ key }) =>
          times.has(sampleName(key, step)) ? milliseconds(times.median(sampleName(key, step))) : "",
        ),
        others.map(({ key }) => ratio(times, step, key)),
      ),
    );
  return table([unit, ...field.tools.map(({ name }) => name), ...others.map(({ key }) => `to ${key}`)], rows);
}

function ratio(times: Measured["times"], step: string, other: Tool["key"]): string {
  if (!times.has(sampleName(other, step))) return "";
  return (times.median(sampleName("ours", step)) / times.median(sampleName(other, step))).toFixed(2);
}

function boundsTable(bounds: readonly Bound[]): string[] {
  const rows = bounds.map(({ what, limit, value, unit, holds }) => [
    what,
    `${Math.round(limit * 100) / 100} ${unit}`,
    `${value.toFixed(2)} ${unit}`,
    holds ? "✓" : "✗",
  ]);
  return [
    "## Bounds",
    "",
    "Times as ratios to NVIDIA's hook, if nothing else is said; a rebuild may take 32 MiB and the size of the cache.",
    "",
    ...table(["", "at most", "is", ""], rows),
    "",
  ];
}

function peakTable(measured: readonly Measured[], field: Field): string[] {
  const rows = field.tools.map(({ key, name }) =>
    [name].concat(measured.map(({ peaks }) => (peaks.largest(sampleName(key, "update-ldcache")) / 1024).toFixed(1))),
  );
  const heads = measured.map(({ root }) => `${root.entries} libraries`);
  return ["## Peak memory of update-ldcache, MiB", "", ...table(["", ...heads], rows), ""];
}

function syscallTable({ syscalls, measured, field }: Results): string[] {
  const root = measured.at(-1)?.root;
  const tools = field.tools.filter(({ key }) => syscalls.has(key));
  if (root === undefined || tools.length === 0) return [];
  const of = (key: Tool["key"], call: string): number => syscalls.get(key)?.get(call) ?? 0;
  const names = [...new Set(tools.flatMap(({ key }) => [...(syscalls.get(key)?.keys() ?? [])]))];
  const often = names.filter((call) => tools.some(({ key }) => of(key, call) >= root.inodes / 50));
  often.sort((a, b) => of("ours", b) - of("ours", a) || of("nvidia", b) - of("nvidia", a));
  const total = (key: Tool["key"], list: readonly string[]): number =>
    list.reduce((sum, call) => sum + of(key, call), 0);
  const rare = names.filter((call) => !often.includes(call));
  const cell = (count: number): string => `${count} (${(count / root.inodes).toFixed(2)})`;
  return [
    "## System calls of update-ldcache",
    "",
    `First start, ${root.entries} libraries; in brackets per library file (${root.inodes}). \`strace -f -c\`.`,
    "",
    ...table(
      ["", ...tools.map(({ name }) => name)],
      [
        ...often.map((call) => [call].concat(tools.map(({ key }) => cell(of(key, call))))),
        ["others", ...tools.map(({ key }) => cell(total(key, rare)))],
        ["all", ...tools.map(({ key }) => cell(total(key, names)))],
      ],
    ),
    "",
    "cdi-hook opens each library file once, whatever the number of links to it, and neither maps it nor reads it whole: an",
    "open, a statx for its type and identity, a pread for the headers, one for the dynamic section, one for the place in the",
    "string table where the soname is (one more where a program header leads elsewhere), a close; a readlink per symbolic",
    "link. ldconfig maps the whole file and asks for the status of each name and of each link again.",
    "",
  ];
}

function growthTable(growth: readonly Growth[]): string[] {
  if (growth.length === 0) return [];
  const rows = growth.map(({ libraries, cache, ours, ldconfig, peak, ldconfigPeak, opens }) => [
    String(libraries),
    mebibytes(cache),
    milliseconds(ours),
    milliseconds(ldconfig),
    mebibytes(peak),
    mebibytes(ldconfigPeak),
    opens?.toFixed(3) ?? "",
  ]);
  const heads = [
    "libraries",
    "cache, MiB",
    "ms",
    "ldconfig's ms",
    "peak, MiB",
    "ldconfig's peak, MiB",
    "opens per file",
  ];
  return [
    "## How a rebuild grows",
    "",
    "`ldcache rebuild --root ROOT` beside `ldconfig -r ROOT -X -i`, on made-up roots with all libraries in one folder and a",
    "link for each; milliseconds of processor time. ldconfig looks through a list for each entry that it adds.",
    "",
    ...table(heads, rows),
    "",
  ];
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = heads.map((head, column) =>
    Math.max(head.length, 3, ...rows.map((row) => (row[column] ?? "").length)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join(" | ")} |`;
  const rule = widths.map((width, column) => (column === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`));
  return [line(heads), `| ${rule.join(" | ")} |`, ...rows.map(line)];
}

function mebibytes(kibibytes: number): string {
  return (kibibytes / 1024).toFixed(1);
}

function milliseconds(value: number): string {
  return value.toFixed(2);
}
