import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, type TestContext } from "vitest";
import { type ContainerEdits, driverEdits, type HookName } from "./cdi-spec.ts";
import { copyOfDebianRoot, debianRoot, type DebianRoot, whyNoDebianRoot } from "./debian-root.ts";
import { type Driver, makeDriver } from "./driver.ts";
import { executablePath } from "./executable.ts";
import { scratchDirectory } from "./scratch.ts";

/** What a container that gets the driver is started from. */
export interface Stage {
  /** The Debian root as it was made; never written to. */
  pristine: string;
  /** A fresh copy of it, the container's root. */
  root: string;
  /** An empty directory of the test. */
  work: string;
  driver: Driver;
  /** The edits of a CDI spec whose hooks are the executable under one of NVIDIA's names. */
  edits: ContainerEdits;
}

const drivers = new Map<boolean, Driver>();
let driversDirectory: string | undefined;
afterAll(() => {
  if (driversDirectory !== undefined) rmSync(driversDirectory, { recursive: true, force: true });
});

/** The stand-in driver of this test file: made once, only read. */
export function sharedDriver(compiled: boolean): Driver {
  driversDirectory ??= mkdtempSync(join(tmpdir(), "cdi-hook-drivers-"));
  const driver =
    drivers.get(compiled) ?? makeDriver(join(driversDirectory, String(compiled)), compiled ? {} : { compiler: false });
  drivers.set(compiled, driver);
  return driver;
}

export interface StageOptions {
  debian?: DebianRoot;
  name?: HookName;
  /** Whether the driver's libraries come from a C compiler where there is one; true unless given. */
  compiled?: boolean;
}

/** Sets the stage, or skips the test with the reason why that cannot be done here. */
export function setStage(context: TestContext, options: StageOptions = {}): Stage {
  const { debian = { suite: "bookworm" }, name = "nvidia-cdi-hook", compiled = true } = options;
  const reason = whyNoDebianRoot();
  if (reason !== undefined) context.skip(reason);
  const pristine = debianRoot(debian);
  const work = scratchDirectory();
  const root = join(work, "root");
  copyOfDebianRoot(debian, root);
  const driver = sharedDriver(compiled);
  const hookPath = join(work, "bin", name);
  mkdirSync(join(work, "bin"));
  symlinkSync(executablePath, hookPath);
  return { pristine, root, work: join(work, "bundle"), driver, edits: driverEdits(driver, hookPath, name) };
}
