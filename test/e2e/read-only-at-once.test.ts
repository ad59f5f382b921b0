/** A hundred containers of one image at once, on a root that is read-only: all of them live until the last has its driver. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, onTestFinished, type TestContext, test } from "vitest";
import { writeBundle } from "../support/bundle.ts";
import { type ContainerEdits, driverEdits } from "../support/cdi-spec.ts";
import { program } from "../support/debian-root.ts";
import { containerPathOf, type Driver, makeDriver } from "../support/driver.ts";
import { stateFor } from "../support/executable.ts";
import { loaded, probeCommand } from "../support/probe.ts";
import { readOnlyStage, stageWithMountPoints } from "../support/read-only-root.ts";
import { needs, runc } from "../support/runtimes.ts";
import { scratchDirectory } from "../support/scratch.ts";
import { compareListings, listTree } from "../support/tree-listing.ts";

const atOnce = 100;

/** A container of the test: it has one of two drivers, whose files the root has places for, and a folder of its own. */
interface Wanted {
  readonly root: string;
  readonly folder: string;
  readonly driver: Driver;
  readonly edits: ContainerEdits;
}

/** A process that says `step` and goes on when it is told to. */
class Stepping {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<{ readonly status: number | null; readonly stdout: string; readonly stderr: string }>;
  #stdout = "";
  #steps = 0;
  #isOver = false;
  #told: () => void = () => undefined;

  constructor([file = "", ...args]: readonly string[]) {
    this.#child = spawn(program(file) ?? file, args, { env: { PATH: process.env["PATH"] ?? "" } });
    let stderr = "";
    this.#child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    this.#child.stdout.on("data", (chunk: Buffer) => {
      this.#stdout += chunk.toString();
      this.#told();
    });
    this.ended = new Promise((resolve, reject) => {
      this.#child.on("error", reject);
      this.#child.on("close", (status) => {
        this.#isOver = true;
        resolve({ status, stdout: this.#stdout.replaceAll("step\n", ""), stderr });
        this.#told();
      });
    });
    this.#child.stdin.on("error", () => undefined);
  }

  /** Resolves when it stands at its next step, or has ended. */
  step(): Promise<void> {
    this.#steps += 1;
    return new Promise((resolve) => {
      this.#told = () => {
        if (this.#stdout.split("step\n").length > this.#steps || this.#isOver) resolve();
      };
      this.#told();
    });
  }

  goOn(): void {
    this.#child.stdin.write("\n");
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }
}

const mounts = (): string => readFileSync("/proc/self/mountinfo", "utf8");
const step = "echo step; read -r line";

/** A mount namespace with the container's mounts, in which the hooks are run all at once with those of the others. */
function inNamespace({ root, folder, driver, edits }: Wanted): readonly string[] {
  const state = join(folder, "state.json");
  writeFileSync(state, stateFor(root, { id: folder, bundle: folder }));
  const needed = new Set(["libcuda", "libnvidia-ml"].map((name) => `${name}.so.${driver.version}`));
  const binds = edits.mounts
    .filter(({ containerPath }) => needed.has(containerPath.slice(dirname(containerPath).length + 1)))
    .map(({ hostPath, containerPath }) => `mount --bind ${hostPath} ${root}${containerPath}`);
  const hooks = edits.hooks.map(({ path, args }) => `${path} ${args.slice(1).join(" ")} <${state}`);
  const script = ["set -e", ...binds, step, ...hooks, step, `exec chroot ${root} "$@"`].join("\n");
  return ["unshare", "--mount", "sh", "-c", script, "sh", ...probeCommand()];
}

/** A container whose program looks for the driver when all of them have been started. */
function inRunc({ root, folder, edits }: Wanted): readonly string[] {
  const script = `${step}; exec "$@"`;
  writeBundle(folder, { root, readonly: true, args: ["sh", "-c", script, "sh", ...probeCommand()], edits });
  const name = `cdi-hook-${process.pid}-${folder.slice(dirname(folder).length + 1)}`;
  return [...runc.command(join(dirname(folder), "state")), "run", "--bundle", folder, name];
}

/** The root with places for two drivers, and a hundred times what starts a container with one of the two. */
function prepare(context: TestContext): { readonly root: string; readonly all: readonly Wanted[] } {
  const staged = stageWithMountPoints(context);
  const other = makeDriver(join(scratchDirectory(), "driver"), { version: "570.86.10", compiler: false });
  for (const library of other.libraries) writeFileSync(join(staged.root, containerPathOf(other, library)), "");
  const { root, work, driver, edits } = readOnlyStage(staged);
  const hookPath = edits.hooks[0]?.path ?? "";
  const drivers = [
    { driver, edits },
    { driver: other, edits: driverEdits(other, hookPath) },
  ] as const;
  const all = Array.from({ length: atOnce }, (_, index): Wanted => {
    const folder = join(work, String(index));
    mkdirSync(folder, { recursive: true });
    return { root, folder, ...(index % 2 === 0 ? drivers[0] : drivers[1]) };
  });
  return { root, all };
}

const ways = [
  { name: "all hooks at the same time", commandOf: inNamespace, steps: 2, programs: ["unshare"] },
  { name: "of runc", commandOf: inRunc, steps: 1, programs: ["runc"] },
];

test.for(ways)("a hundred containers at once, $name: each loads its own driver", async (way, context) => {
  const { commandOf, steps, programs } = way;
  const reason = needs(...programs);
  if (reason !== undefined) return context.skip(reason);
  const { root, all } = prepare(context);
  const [before, mountsBefore] = [listTree(root, { identity: true }), mounts()];
  const started = all.map((wanted) => new Stepping(commandOf(wanted)));
  onTestFinished(() => {
    for (const each of started) each.kill();
  });
  for (let done = 0; done < steps; done++) {
    await Promise.all(started.map((each) => each.step()));
    for (const each of started) each.goOn();
  }
  const ended = await Promise.all(started.map((each) => each.ended));
  expect(ended).toEqual(all.map(({ driver }) => ({ status: 0, stdout: loaded(driver.version), stderr: "" })));
  expect(compareListings(before, listTree(root, { identity: true }))).toEqual([]);
  expect(mounts()).toBe(mountsBefore);
});
