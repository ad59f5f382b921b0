import { expect, test } from "vitest";
import { ARCHITECTURES } from "../ldconfig/architecture.ts";
import { cpuFromCpuinfo, cpusOf } from "./cpu.ts";

const v2 = "lm cx16 lahf_lm popcnt pni sse4_1 sse4_2 ssse3";
const v3 = `${v2} avx avx2 bmi1 bmi2 f16c fma abm movbe`;
const v4 = `${v3} avx512f avx512bw avx512cd avx512dq avx512vl`;
const cpuinfo = (flags: string, vendor = "AuthenticAMD"): string =>
  `processor\t: 0\nvendor_id\t: ${vendor}\nflags\t\t: ${flags}\n\nprocessor\t: 1\n`;

test.each([
  ["lm", "x86-64", []],
  [v2, "x86-64-v2", ["x86-64-v2"]],
  [v3.replace(" movbe", ""), "x86-64-v2", ["x86-64-v2"]],
  [v3, "x86-64-v3", ["x86-64-v3", "x86-64-v2"]],
  [v4, "x86-64-v4", ["x86-64-v4", "x86-64-v3", "x86-64-v2"]],
  [v4.replace(" popcnt", ""), "x86-64", []],
])("an x86 machine with %s is %s", (flags, name, hwcaps) => {
  expect(cpuFromCpuinfo(cpuinfo(flags), "x86-64")).toMatchObject({ name, hwcaps, platform: "x86_64" });
});

test("Intel's have a platform of their own", () => {
  const of = (flags: string) => cpuFromCpuinfo(cpuinfo(flags, "GenuineIntel"), "x86-64");
  expect(of(v3)).toMatchObject({ platform: "haswell", capabilities: ["x86_64"] });
  expect(of(v4)).toMatchObject({ platform: "haswell", capabilities: ["x86_64", "avx512_1"] });
  expect(of(`${v3} avx512cd avx512er avx512pf`)).toMatchObject({ platform: "xeon_phi" });
});

test("no other machine is known by this", () => {
  expect(cpuFromCpuinfo(cpuinfo("vme"), "x86-64")).toBeUndefined();
  expect(cpuFromCpuinfo("Features\t: fp asimd\n", "x86-64")).toBeUndefined();
  expect(cpuFromCpuinfo(cpuinfo(v4), "aarch64")).toBeUndefined();
});

test("every architecture has processors, each better than the one before", () => {
  for (const architecture of Object.keys(ARCHITECTURES) as (keyof typeof ARCHITECTURES)[]) {
    const cpus = cpusOf(architecture);
    expect(cpus.length).toBeGreaterThan(0);
    for (const { hwcaps } of cpus) expect(new Set(hwcaps).size).toBe(hwcaps.length);
  }
});
