import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { copyTree } from "./debian-root.ts";
import { containerPathOf, type Driver, hostPathOf } from "./driver.ts";

/**
 * Makes `directory` what a container's root would be had the image's own ldconfig done the work: a copy of the pristine root
 * with the driver's libraries as files, the link `libcuda.so`, the loader's configuration of `started`, and then
 * `chroot DIRECTORY ldconfig -i` twice: `libcuda.so` leads to `libcuda.so.1`, which the first run makes and only the second
 * finds. Cache and soname links owe nothing to the program under test.
 *
 * @param pristine root that no container has been started from
 * @param started root that the hooks have worked on
 */
export function ldconfigOutcome(pristine: string, driver: Driver, started: string, directory: string): void {
  copyTree(pristine, directory);
  for (const library of driver.libraries) {
    const path = join(directory, containerPathOf(driver, library));
    mkdirSync(dirname(path), { recursive: true });
    cpSync(hostPathOf(driver, library), path);
  }
  symlinkSync("libcuda.so.1", join(directory, driver.libraryDirectory, "libcuda.so"));
  for (const name of ["etc/ld.so.conf", "etc/ld.so.conf.d"]) {
    rmSync(join(directory, name), { recursive: true });
    copyTree(join(started, name), join(directory, name));
  }
  for (let run = 1; run <= 2; run++) execFileSync("chroot", [directory, "/sbin/ldconfig", "-i"]);
}
