/** `runtime` before the container's mounts are there: nothing outside of the root changes, whatever image and mounts are. */
import { existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { layCanary, watchTree } from "../support/canary.ts";
import { runHook } from "../support/executable.ts";
import { scratchDirectory } from "../support/scratch.ts";

interface Hostile {
  readonly bundle: string;
  readonly root: string;
  readonly outside: string;
}

const folder = "/usr/lib/x86_64-linux-gnu";

const hooks = ["prestart", "createRuntime", "createContainer"].map((stage) => [
  stage,
  [
    ["create-symlinks", "--link", `libcuda.so.1::${folder}/libcuda.so`],
    ["create-symlinks", "--link", "x::/etc/planted"],
    ["update-ldcache", "--folder", folder],
    ["chmod", "--mode", "777", "--path", "/secret,/etc/shadow,/link"],
    ["update-application-profile"],
    ["disable-device-node-modification"],
  ].map((args) => ({ path: "/x/nvidia-cdi-hook", args: ["nvidia-cdi-hook", ...args] })),
]);

/** A bundle with all hooks at all stages, and a canary beside its root; `shape` makes the root and answers with mounts. */
function hostile(shape: (root: string, outside: string) => readonly unknown[]): Hostile {
  const top = scratchDirectory();
  const outside = join(top, "outside");
  mkdirSync(outside);
  layCanary(outside);
  const bundle = join(top, "bundle");
  const root = join(bundle, "rootfs");
  mkdirSync(root, { recursive: true });
  const mounts = shape(root, outside);
  const config = { ociVersion: "1.0.2", root: { path: "rootfs" }, mounts, hooks: Object.fromEntries(hooks) as unknown };
  writeFileSync(join(bundle, "config.json"), JSON.stringify(config));
  return { bundle, root, outside };
}

const bind = (destination: string, source: string): unknown => ({
  destination,
  type: "bind",
  source,
  options: ["bind"],
});

const shapes: readonly (readonly [string, (root: string, outside: string) => readonly unknown[]])[] = [
  [
    "every folder of the root a link to outside",
    (root, outside) => {
      for (const name of ["etc", "usr", "lib", "lib64", "secret", "proc", "dev"])
        symlinkSync(join(outside, name), join(root, name));
      return [];
    },
  ],
  [
    "the same by dots",
    (root) => {
      for (const name of ["etc", "usr", "lib"])
        symlinkSync(`../../../../../../../../../../..${root}/../../outside/${name}`, join(root, name));
      return [];
    },
  ],
  [
    "the cache and its folder links to outside",
    (root, outside) => {
      mkdirSync(join(root, "etc"));
      mkdirSync(join(root, "usr/lib"), { recursive: true });
      symlinkSync(join(outside, "etc/ld.so.cache"), join(root, "etc/ld.so.cache"));
      symlinkSync(join(outside, "etc/ld.so.conf"), join(root, "etc/ld.so.conf"));
      symlinkSync(join(outside, "etc/ld.so.conf.d"), join(root, "etc/ld.so.conf.d"));
      symlinkSync(join(outside, "usr/lib"), join(root, folder));
      return [];
    },
  ],
  [
    "a folder of the host mounted where hooks write",
    (_root, outside) => [bind("/etc", join(outside, "etc")), bind("/usr/lib", join(outside, "usr/lib"))],
  ],
  [
    "the host's files mounted over what hooks replace",
    (_root, outside) => [
      bind("/etc/ld.so.cache", join(outside, "etc/ld.so.cache")),
      bind("/secret", join(outside, "secret")),
    ],
  ],
  ["a mount over the whole root", (_root, outside) => [bind("/", outside)]],
  [
    "mounts through links of the image and with dots",
    (root, outside) => {
      symlinkSync(outside, join(root, "way"));
      return [
        bind("/way/etc", join(outside, "etc")),
        bind("/../../outside/etc", join(outside, "etc")),
        bind("etc", join(outside, "etc")),
      ];
    },
  ],
];

test.each(shapes)("%s", (_name, shape) => {
  const { bundle, outside } = hostile(shape);
  const differences = watchTree(outside);
  const { status, timedOut } = runHook(["runtime", "--to", "/bin/true", "create", "-b", bundle, "x"], {
    argv0: "cdi-hook",
  });
  expect([0, 1]).toContain(status);
  expect(timedOut).toBe(false);
  expect(differences()).toEqual([]);
  const text = readFileSync(join(bundle, "config.json"), "utf8");
  expect(status === 0 || text.includes("create-symlinks")).toBe(true);
});

test("the same hooks do their work in a root that is none of that", () => {
  const { bundle, root, outside } = hostile((path) => {
    mkdirSync(join(path, folder), { recursive: true });
    return [];
  });
  const differences = watchTree(outside);
  expect(runHook(["runtime", "--to", "/bin/true", "create", "-b", bundle, "x"], { argv0: "cdi-hook" }).status).toBe(0);
  expect(differences()).toEqual([]);
  expect(existsSync(join(root, "etc/ld.so.cache"))).toBe(true);
});

test("a link in the bundle's folder is not followed to a file that is not the bundle's when config.json is replaced beside it", () => {
  const { bundle, outside } = hostile((path) => {
    mkdirSync(join(path, folder), { recursive: true });
    return [];
  });
  // Whoever could write into the bundle could not know the temporary file's name; names of that form are swept, not followed.
  symlinkSync(join(outside, "secret"), join(bundle, ".cdi-hook-4194305-0123456789abcdef"));
  const differences = watchTree(outside);
  expect(runHook(["runtime", "--to", "/bin/true", "create", "-b", bundle, "x"], { argv0: "cdi-hook" }).status).toBe(0);
  expect(differences()).toEqual([]);
});

const plain = (root: string): readonly unknown[] => {
  mkdirSync(join(root, folder), { recursive: true });
  return [];
};

/** Rewrites config.json, as an engine does that copies what an image says into it. */
function annotate(bundle: string, annotations: Readonly<Record<string, string>>): void {
  const path = join(bundle, "config.json");
  const config = JSON.parse(readFileSync(path, "utf8")) as object;
  writeFileSync(path, JSON.stringify({ ...config, annotations }));
}

test("a config.json that an image's annotations made too large: no container starts without the devices that it was to get", () => {
  const { bundle } = hostile(plain);
  const spec = join(bundle, "gpu.json");
  const devices = [{ name: "0", containerEdits: { env: ["GPU=1"] } }];
  writeFileSync(spec, JSON.stringify({ cdiVersion: "0.6.0", kind: "example.com/gpu", devices }));
  annotate(bundle, { large: "x".repeat(9 << 20) });
  const words = ["create", "-b", bundle, "x"];
  const given = ["--device", "example.com/gpu=0", "--cdi-spec", spec];
  const refused = runHook(["runtime", "--to", "/bin/true", ...given, ...words], { argv0: "cdi-hook" });
  expect(refused.status).toBe(1);
  expect(refused.stderr).toMatch(/^cdi-hook: error: runtime: read \S+config\.json: larger than \d+ bytes\n$/);
  expect(runHook(["runtime", "--to", "/bin/true", ...words], { argv0: "cdi-hook" }).status, "none was asked for").toBe(
    0,
  );
});

test.each([
  ["runtime", ["runtime", "--to", "/bin/true", "create", "-b"], 0],
  ["apply --dry-run", ["apply", "--dry-run", "--bundle"], 1],
  ["apply --emit-mounts", ["apply", "--emit-mounts", "--bundle"], 1],
] as const)("an annotation that names an archive as gVisor's root: %s unpacks nothing", (_name, words, expected) => {
  const { bundle } = hostile(plain);
  const temporary = join(bundle, "temporary");
  mkdirSync(temporary);
  const archive = join(bundle, "layer.tar.gz");
  writeFileSync(archive, gzipSync(Buffer.alloc(16 << 20)));
  annotate(bundle, { "dev.gvisor.spec.rootfs.type": "erofs", "dev.gvisor.spec.rootfs.source": archive });
  const env = { TMPDIR: temporary, PATH: "" };
  const { status, stderr, ms } = runHook([...words, bundle], { argv0: "cdi-hook", env });
  expect([status, stderr.includes("this is no EROFS image")]).toEqual([expected, expected === 1]);
  expect(ms).toBeLessThan(2000);
  expect(readdirSync(temporary)).toEqual([]);
});
