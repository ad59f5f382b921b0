/** A Debian image, a driver that is mounted into it, and the hooks that go with that: with libraries that are in each other's way. */
import { execFileSync } from "node:child_process";
import { lstatSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { debianRoot } from "../support/debian-root.ts";
import { libraryDirectory } from "../support/driver.ts";
import type { SeededRandom } from "../support/seeded-random.ts";
import { type LibrarySuite, linkedCopy } from "./library-root.ts";

/** What is at a path: a library by its soname, a link, or a file with this text. */
export type Item =
  | { readonly path: string; readonly soname: string }
  | { readonly path: string; readonly link: string }
  | { readonly path: string; readonly text: string };

export interface SceneWords {
  readonly suite: LibrarySuite;
  readonly image: readonly Item[];
  /** Libraries by their paths in the container. */
  readonly driver: readonly { readonly path: string; readonly soname: string }[];
  /** Of create-symlinks. */
  readonly links: readonly string[];
  /** Of update-ldcache. */
  readonly folders: readonly string[];
  /** The image has no cache. */
  readonly cacheless?: boolean;
}

export interface Scene extends SceneWords {
  /** The image, with mount points for the driver. */
  readonly template: string;
  readonly mounts: readonly { readonly source: string; readonly destination: string }[];
}

export const version = "580.126.20";
const lib = libraryDirectory;

/** What NVIDIA's specs mount and link, in this folder. */
export function nvidia(folder = lib): Pick<SceneWords, "driver" | "links" | "folders"> {
  const library = (stem: string, soname: string): SceneWords["driver"][number] => ({
    path: `${folder}/${stem}.so.${version}`,
    soname,
  });
  return {
    driver: [
      library("libcuda", "libcuda.so.1"),
      library("libnvidia-ml", "libnvidia-ml.so.1"),
      library("libnvidia-ptxjitcompiler", "libnvidia-ptxjitcompiler.so.1"),
      library("libnvidia-opticalflow", "libnvidia-opticalflow.so.1"),
      library("libnvidia-encode", "libnvidia-encode.so.1"),
      library("libnvcuvid", "libnvcuvid.so.1"),
      library("libGLX_nvidia", "libGLX_nvidia.so.0"),
      library("libEGL_nvidia", "libEGL_nvidia.so.0"),
      library("libGLESv2_nvidia", "libGLESv2_nvidia.so.2"),
      library("libnvidia-glcore", `libnvidia-glcore.so.${version}`),
      library("vdpau/libvdpau_nvidia", "libvdpau_nvidia.so.1"),
    ],
    links: [
      `libcuda.so.1::${folder}/libcuda.so`,
      `libnvidia-opticalflow.so.1::${folder}/libnvidia-opticalflow.so`,
      `libGLX_nvidia.so.${version}::${folder}/libGLX_indirect.so.0`,
      `./libvdpau_nvidia.so.${version}::${folder}/vdpau/libvdpau_nvidia.so`,
    ],
    folders: [folder, `${folder}/vdpau`],
  };
}

/** Names that programs ask the driver for. */
export const driverNames: readonly string[] = `
libcuda.so libcuda.so.1 libcuda.so.${version} libnvidia-ml.so libnvidia-ml.so.1 libnvidia-ptxjitcompiler.so.1
libnvidia-opticalflow.so libnvidia-opticalflow.so.1 libnvidia-encode.so.1 libnvcuvid.so.1 libGLX_nvidia.so.0
libGLX_indirect.so.0 libEGL_nvidia.so.0 libGLESv2_nvidia.so.2 libnvidia-glcore.so.${version} libvdpau_nvidia.so
libvdpau_nvidia.so.1`
  .trim()
  .split(/\s+/);

/** Subfolders for processors, by the glibc of the suite. */
export function processorFolders(suite: LibrarySuite): readonly string[] {
  return suite === "bullseye"
    ? ["haswell", "tls", "x86_64"]
    : [2, 3, 4].map((level) => `glibc-hwcaps/x86-64-v${level}`);
}

const compiled = new Map<string, Buffer>();

/** A library that every loader takes; glibc 2.41 refuses those without a PT_GNU_STACK header, which need a compiler. */
function bytesOf(soname: string, work: string): Buffer {
  const path = join(work, "compiled.so");
  const known = compiled.get(soname);
  if (known !== undefined) return known;
  const flags = ["-shared", "-fPIC", "-nostdlib", "-x", "c", "/dev/null", `-Wl,-soname,${soname}`];
  execFileSync("gcc", [...flags, "-o", path]);
  const bytes = readFileSync(path);
  compiled.set(soname, bytes);
  return bytes;
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** Makes the image below `work`, and a driver to mount. */
export function makeScene(words: SceneWords, work: string): Scene {
  const template = join(work, "template");
  linkedCopy({ path: debianRoot({ suite: words.suite }) }, template);
  for (const item of words.image) {
    const path = join(template, item.path);
    mkdirSync(dirname(path), { recursive: true });
    rmSync(path, { force: true });
    if ("link" in item) symlinkSync(item.link, path);
    else writeFileSync(path, "text" in item ? item.text : bytesOf(item.soname, work));
  }
  const mounts = words.driver.map(({ path: destination, soname }, number) => {
    const source = join(work, "driver", String(number));
    mkdirSync(dirname(source), { recursive: true });
    writeFileSync(source, bytesOf(soname, work));
    const point = join(template, destination);
    mkdirSync(dirname(point), { recursive: true });
    if (!isThere(point)) writeFileSync(point, "");
    return { source, destination };
  });
  if (words.cacheless === true) rmSync(join(template, "etc/ld.so.cache"), { force: true });
  return { ...words, template, mounts };
}

const own = Array.from({ length: 8 }, (_, number) => `libown${number}`);
/** Names of libraries that the image may have as well as the driver, without `.so.1`. */
const contested = ["libcuda", "libcuda", "libnvidia-ml", "libnvidia-encode", "libnvcuvid", ...own];
const stubs = "/usr/local/cuda/lib64/stubs";
const imageFolders = [lib, lib, "/usr/lib", "/usr/local/lib", "/opt/own/lib", "/opt/late/lib", stubs];

/** An image with libraries of the driver's names, in all states that images have them in. */
export function drawScene(suite: LibrarySuite, random: SeededRandom): SceneWords {
  const driverFolder = random.weighted([
    [3, lib],
    [1, "/usr/local/nvidia/lib64"],
    [1, "/usr/lib"],
  ]);
  const processors = processorFolders(suite);
  const image = new Map<string, Item>();
  const add = (item: Item): void => void (image.has(item.path) || image.set(item.path, item));
  const folder = (): string => {
    const top = random.pick(imageFolders);
    return random.chance(0.25) ? `${top}/${random.pick(processors)}` : top;
  };
  for (let count = random.between(20, 40); count > 0; count -= 1)
    drawState(random, folder(), random.pick(contested), add);
  const configured = {
    "/opt/own/lib": "000_own",
    "/opt/late/lib": "zz_late",
    [stubs]: random.pick(["000_cuda", "zz_cuda"]),
  };
  for (const [path, name] of Object.entries(configured))
    if (random.chance(0.7)) add({ path: `/etc/ld.so.conf.d/${name}.conf`, text: `${path}\n` });
  const base = nvidia(driverFolder);
  const driver = new Map(base.driver.map((library) => [library.path, library]));
  const placed = (path: string, soname: string): void => {
    const present = image.get(path);
    if (present === undefined || !("link" in present)) driver.set(path, { path, soname });
  };
  for (const stem of random.some(own, 0.6)) {
    const within = random.chance(0.25) ? `${driverFolder}/${random.pick(processors)}` : driverFolder;
    placed(`${within}/${stem}.so.${random.pick(["1", "1.5", "2", version])}`, `${stem}.so.1`);
  }
  const links = [...base.links];
  for (const stem of random.some(own, 0.5)) {
    const where = random.pick([lib, "/usr/lib", driverFolder, "/usr/local/lib", "/opt/unsearched"]);
    const target = random.pick([`${stem}.so.1`, `${driverFolder}/libcuda.so.${version}`, `${stem}.so.${version}`]);
    links.push(`${target}::${where}/${random.pick([`${stem}.so`, `${stem}.so.1`, `${stem}-alias.so.7`])}`);
  }
  return {
    suite,
    image: [...image.values()],
    driver: [...driver.values()],
    links,
    folders: random.chance(0.8) ? base.folders : [driverFolder],
    cacheless: random.chance(0.2),
  };
}

/** One of the states in which a library can be in an image's folder. */
function drawState(random: SeededRandom, folder: string, stem: string, add: (item: Item) => void): void {
  const soname = `${stem}.so.1`;
  const file = `${stem}.so.${random.pick(["1.2", "1.10", "470.57.02", "999.1"])}`;
  const elsewhere = `${random.pick(imageFolders)}/${file}`;
  switch (random.between(0, 7)) {
    case 0:
      return add({ path: `${folder}/${soname}`, soname });
    case 1:
      add({ path: `${folder}/${file}`, soname });
      return add({ path: `${folder}/${soname}`, link: file });
    case 2:
      return add({ path: `${folder}/${file}`, soname });
    case 3:
      return add({ path: `${folder}/${soname}`, text: "" });
    case 4:
      return add({ path: `${folder}/${soname}`, link: file });
    case 5:
      add({ path: `${folder}/${stem}.so`, soname });
      return random.chance(0.5) ? add({ path: `${folder}/${soname}`, link: `${stem}.so` }) : undefined;
    case 6:
      add({ path: `${folder}/${soname}`, link: elsewhere });
      return add({ path: elsewhere, soname });
    default:
      add({ path: `${folder}/${stem}.so`, link: soname });
      return add({ path: `${folder}/${file}`, text: "" });
  }
}

/** Names that are worth asking for, those of the image's cache beside them. */
export function namesOf({ driver, image, links }: SceneWords): string[] {
  const names = [...driver, ...image].flatMap((item) =>
    "soname" in item ? [item.soname, baseOf(item.path)] : [baseOf(item.path)],
  );
  const asked = [...names, ...links.map((link) => baseOf(link)), ...own.map((stem) => `${stem}.so`), "libnone.so.3"];
  return [...new Set([...driverNames, ...asked.filter((name) => name.includes(".so"))])];
}

const baseOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1);
