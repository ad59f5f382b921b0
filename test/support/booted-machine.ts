import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { DebianMachine, Ended } from "./debian-machine.ts";
import { program, whyNoDebianRoot } from "./debian-root.ts";

/** A Debian machine whose systemd runs, in namespaces of its own. */
export class BootedMachine {
  readonly #nspawn: ChildProcess;
  readonly #ended: Promise<unknown>;
  #console = "";

  /** Boots it; systemd is among its packages. {@link BootedMachine.powerOff} ends it. */
  constructor(machine: DebianMachine) {
    const name = `cdi-hook-${process.pid}`;
    const options = ["--register=no", "--keep-unit", "--private-network", "--console=pipe", `--machine=${name}`];
    const words = ["--boot", `--directory=${machine.path}`, ...options];
    this.#nspawn = spawn(program("systemd-nspawn") ?? "", words, { stdio: ["ignore", "pipe", "pipe"] });
    this.#ended = once(this.#nspawn, "exit");
    for (const stream of [this.#nspawn.stdout, this.#nspawn.stderr]) {
      stream?.on("data", (data: Buffer) => (this.#console += data.toString("latin1")));
    }
  }

  /** Why none can be booted here, or undefined. */
  static missing(): string | undefined {
    const absent = ["systemd-nspawn", "nsenter"].find((name) => program(name) === undefined);
    return whyNoDebianRoot() ?? (absent === undefined ? undefined : `needs ${absent}`);
  }

  /** What was printed on the console. */
  get console(): string {
    return this.#console;
  }

  /** Runs a program on the machine; before the machine has a first process, that fails. */
  run(...words: readonly string[]): Ended {
    const { pid } = this.#nspawn;
    const [leader = ""] = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
    const namespaces = ["mount", "uts", "ipc", "net", "pid"].map((name) => `--${name}`);
    const path = "/usr/sbin:/usr/bin:/sbin:/bin";
    return spawnSync(program("nsenter") ?? "", [`--target=${leader}`, ...namespaces, "--", ...words], {
      encoding: "utf8",
      env: { PATH: path, LC_ALL: "C", DEBIAN_FRONTEND: "noninteractive" },
    });
  }

  /** Ends everything on it. */
  async powerOff(): Promise<void> {
    const kill = setTimeout(() => this.#nspawn.kill("SIGKILL"), 30_000);
    this.#nspawn.kill("SIGTERM");
    await this.#ended;
    clearTimeout(kill);
  }
}
