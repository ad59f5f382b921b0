// Makes a machine ready to build or to test: what the system must have, and the packages of npm.
//   node scripts/setup.mjs [build|demo|test]
// It needs Node and nothing else, as it runs before anything is installed.
import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const top = dirname(dirname(fileURLToPath(import.meta.url)));
const OLDEST_NODE = [20, 19];

/**
 * What the system gives. `package` is its name in Debian and Ubuntu; it is there when `command` is on PATH, or when `file`
 * exists. Without a required one nothing works; without another one, something is left out.
 */
const BUILD = [
  { package: "gcc", command: "gcc", required: true },
  { package: "libc6-dev", file: "/usr/include/stdio.h", required: true },
  { package: "xz-utils", command: "xz", required: true },
  { package: "ca-certificates", file: "/etc/ssl/certs/ca-certificates.crt" },
  { package: "musl-tools", command: "musl-gcc", without: "the executable is linked with glibc" },
];

const DEMO = [
  ...BUILD,
  { package: "runc", command: "runc", without: "the demonstration starts its container in a plain namespace" },
  { package: "mmdebstrap", command: "mmdebstrap", without: "its root is made of this machine's own files" },
];

const TEST = [
  ...BUILD,
  { package: "util-linux", command: "unshare", without: "tests that mount are skipped" },
  { package: "runc", command: "runc" },
  { package: "crun", command: "crun" },
  { package: "runsc", command: "runsc" },
  { package: "podman", command: "podman" },
  { package: "uidmap", command: "newuidmap" },
  { package: "umoci", command: "umoci" },
  { package: "skopeo", command: "skopeo" },
  { package: "buildah", command: "buildah" },
  { package: "zstd", command: "zstd" },
  { package: "busybox-static", command: "busybox" },
  { package: "mmdebstrap", command: "mmdebstrap" },
  { package: "strace", command: "strace" },
  { package: "patch", command: "patch" },
  { package: "attr", command: "getfattr" },
  { package: "zsh", command: "zsh" },
  { package: "fish", command: "fish" },
  { package: "groff-base", command: "groff" },
  { package: "mandoc", command: "mandoc" },
  { package: "erofs-utils", command: "mkfs.erofs" },
  { package: "squashfs-tools", command: "mksquashfs" },
  { package: "dpkg", command: "dpkg-deb" },
  { package: "rpm", command: "rpmbuild" },
  { package: "systemd", command: "systemd-analyze" },
  { package: "systemd-container", command: "systemd-nspawn" },
  { package: "kubernetes-client", command: "kubectl" },
  { package: "qemu-user-static", command: "qemu-aarch64-static" },
  { package: "gcc-aarch64-linux-gnu", command: "aarch64-linux-gnu-gcc" },
  { package: "libc6-dev-arm64-cross", file: "/usr/aarch64-linux-gnu/include/stdio.h" },
];

const NEEDS = { build: BUILD, demo: DEMO, test: TEST };
const SYSTEM_FOLDERS = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/** A reason for which the work cannot go on, in words for the one who has to act. */
class SetupError extends Error {}

const say = (line) => console.log(`setup: ${line}`);

function isOnPath(command) {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), ...SYSTEM_FOLDERS];
  return folders.some((folder) => folder !== "" && isExecutable(join(folder, command)));
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

const isMissing = (need) => !(need.command === undefined ? existsSync(need.file) : isOnPath(need.command));

/** Runs a program to its end; its output is shown when it fails, or as it comes with `show`. Returns whether it worked. */
function succeeds(command, args, { show = false, quiet = false } = {}) {
  const environment = { ...process.env, DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C.UTF-8" };
  const done = spawnSync(command, args, {
    cwd: top,
    encoding: "utf8",
    env: environment,
    stdio: ["ignore", show ? "inherit" : "pipe", show ? "inherit" : "pipe"],
    maxBuffer: 64 << 20,
  });
  if (done.status === 0) return true;
  if (!quiet) console.error(`${done.error?.message ?? ""}${done.stdout ?? ""}${done.stderr ?? ""}`.trimEnd());
  return false;
}

function requireNode() {
  if (process.platform !== "linux") throw new SetupError("cdi-hook is for Linux, and is built and tested there");
  const [major, minor] = process.versions.node.split(".").map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_NODE;
  if (major < oldestMajor || (major === oldestMajor && minor < oldestMinor)) {
    throw new SetupError(`Node ${OLDEST_NODE.join(".")} or later is needed, this is ${process.versions.node}`);
  }
  if (!isOnPath("npm")) throw new SetupError("npm is not on PATH; it comes with Node from nodejs.org");
}

const install = (names) => succeeds("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...names]);

/** Installs packages by apt, those that the machine's lists know; one line for each that it could not. */
function installPackages(needs) {
  const names = needs.map((need) => need.package);
  say(`apt-get update`);
  if (!succeeds("apt-get", ["update", "-qq"]))
    say("the package lists could not be brought up to date; trying with what there is");
  const known = names.filter((name) => succeeds("apt-cache", ["show", "--no-all-versions", name], { quiet: true }));
  const unknown = names.filter((name) => !known.includes(name));
  for (const name of unknown) say(`${name}: not among this system's packages`);
  if (known.length === 0) return;
  say(`apt-get install ${known.join(" ")}`);
  if (install(known)) return;
  say("trying them one by one");
  for (const name of known) if (!install([name])) say(`${name}: could not be installed`);
}

function prepareSystem(purpose) {
  let missing = NEEDS[purpose].filter(isMissing);
  const mayInstall = process.getuid?.() === 0 && isOnPath("apt-get");
  if (missing.length > 0 && mayInstall) {
    installPackages(missing);
    missing = missing.filter(isMissing);
  }
  if (missing.length === 0) return;
  for (const need of missing) {
    const consequence = need.required ? "needed" : (need.without ?? "the tests that use it are skipped");
    say(`missing: ${need.command ?? need.file} (${need.package}): ${consequence}`);
  }
  if (!mayInstall) {
    say(
      `on Debian or Ubuntu: sudo apt-get install --no-install-recommends ${missing.map((need) => need.package).join(" ")}`,
    );
  }
  if (missing.some((need) => need.required)) throw new SetupError("what is needed to build is not there, see above");
}

/** Whether node_modules holds exactly what package-lock.json asks for, as npm's own note of what it installed says. */
function packagesAreInstalled() {
  const note = join(top, "node_modules/.package-lock.json");
  if (!existsSync(note)) return false;
  const wanted = JSON.parse(readFileSync(join(top, "package-lock.json"), "utf8")).packages;
  const installed = JSON.parse(readFileSync(note, "utf8")).packages;
  const isSame = (path) => installed[path]?.integrity === wanted[path]?.integrity;
  return (
    Object.keys(installed).every(isSame) &&
    Object.keys(wanted).every((path) => path === "" || wanted[path].optional || isSame(path))
  );
}

function preparePackages() {
  if (packagesAreInstalled()) return;
  say("npm ci");
  if (!succeeds("npm", ["ci", "--no-audit", "--no-fund", "--no-update-notifier"], { show: true }))
    throw new SetupError("npm ci failed");
}

/**
 * Makes the machine ready for a purpose: `build`, `demo` or `test`. Installs what is missing when run as root where there is apt,
 * and otherwise says what to install. Ends the process with status 1 when the work cannot go on.
 */
export function prepare(purpose) {
  try {
    requireNode();
    prepareSystem(purpose);
    preparePackages();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(`setup: ${error.message}`);
    process.exit(1);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const purpose = process.argv[2] ?? "test";
  if (NEEDS[purpose] === undefined) {
    console.error(`setup: there is no set "${purpose}"; there are ${Object.keys(NEEDS).join(", ")}`);
    process.exit(2);
  }
  prepare(purpose);
}
