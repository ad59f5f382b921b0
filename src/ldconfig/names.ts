/** Words for what a profile is of, as people write them. */

/** Who built the glibc. `upstream` stands for everybody whose ldconfig is not patched, as far as is known. */
export const DISTRIBUTIONS = ["debian", "ubuntu", "rhel", "fedora", "suse", "arch", "upstream"] as const;

export type Distribution = (typeof DISTRIBUTIONS)[number];

/** The architectures whose ldconfig is known, by the names that their communities use. */
export const ARCHITECTURE_NAMES = [
  "x86-64",
  "x32",
  "i386",
  "aarch64",
  "armhf",
  "armel",
  "ppc64le",
  "ppc64",
  "s390x",
  "riscv64",
  "loongarch64",
  "mips64el",
] as const;

export type Architecture = (typeof ARCHITECTURE_NAMES)[number];

/** What else they are called: by Debian, by uname(2), by Go. */
const OTHER_NAMES: Readonly<Record<string, Architecture>> = {
  x86_64: "x86-64",
  amd64: "x86-64",
  x86_64_x32: "x32",
  i686: "i386",
  i586: "i386",
  x86: "i386",
  "386": "i386",
  arm64: "aarch64",
  arm: "armhf",
  armv7l: "armhf",
  ppc64el: "ppc64le",
  powerpc64le: "ppc64le",
  powerpc64: "ppc64",
  s390: "s390x",
  loong64: "loongarch64",
  mips64le: "mips64el",
};

/** The architecture of that name, whoever calls it so; undefined when nobody does. */
export function architectureNamed(name: string): Architecture | undefined {
  return (
    ARCHITECTURE_NAMES.find((known) => known === name) ??
    (Object.hasOwn(OTHER_NAMES, name) ? OTHER_NAMES[name] : undefined)
  );
}
