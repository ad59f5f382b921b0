import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { onTestFinished, type TestContext } from "vitest";
import { containerPathOf } from "./driver.ts";
import { setStage, type Stage } from "./stage.ts";

/** A stage whose root has the mount points already. */
export function stageWithMountPoints(context: TestContext): Stage {
  const staged = setStage(context);
  for (const library of staged.driver.libraries) {
    const path = join(staged.root, containerPathOf(staged.driver, library));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, "");
  }
  return staged;
}

/** The same on a read-only bind mount, which the end of the test undoes. */
export function readOnlyStage(staged: Stage): Stage {
  const mounted = join(staged.work, "../read-only");
  mkdirSync(mounted);
  execFileSync("mount", ["--bind", staged.root, mounted]);
  onTestFinished(() => void execFileSync("umount", ["--lazy", mounted]));
  execFileSync("mount", ["-o", "remount,bind,ro", mounted]);
  return { ...staged, root: mounted };
}
