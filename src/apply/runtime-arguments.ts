/**
 * The command lines of OCI runtimes, as far as they have to be understood: which word is the command, and where the bundle
 * is. A runtime with flags that are not known here is still run as it was asked to be; at worst its hooks stay its own.
 */

/**
 * Flags that may stand before the command and take the next word for their value. The others are boolean, or have their
 * value behind `=`.
 *
 * - runc 1.1 to 1.3: `runc --help`, main.go
 * - crun 1.8 to 1.20: `crun --help`, src/crun.c
 * - runsc of 2022, 2024, 2026: `runsc flags`, runsc/config/flags.go
 * - youki 0.5: crates/liboci-cli/src/lib.rs
 */
const globalFlagsWithValue: ReadonlySet<string> = new Set(
  (
    "log log-format root criu " + // runc
    "cgroup-manager log-level " + // crun
    "r l " + // youki
    "EXPERIMENTAL-xdp TESTONLY-autosave-image-path TESTONLY-test-name-env character-device-policy " +
    "control-rpc-stop-timeout coverage-fd coverage-report dcache debug-command debug-log debug-log-fd debug-log-format " +
    "fdlimit file-access file-access-mounts final-metrics-log gofer-network-namespace host-fifo host-settings host-uds " +
    "log-fd metric-server network network-processors-per-channel num-network-channels nvproxy-allowed-driver-capabilities " +
    "nvproxy-driver-version overlay2 override-procs panic-log panic-log-fd panic-signal pcap-log platform " +
    "platform_device_path pod-init-config profile-block profile-cpu profile-gc-interval profile-heap profile-mutex " +
    "profiling-metrics profiling-metrics-log profiling-metrics-rate-us qdisc qdisc-tbf-burst qdisc-tbf-rate " +
    "ref-leak-mode restore-spec-validation shared-root sidecar-release-enforcement-policy strace-log-size " +
    "strace-syscalls trace traceback watchdog-action"
  ).split(" "),
);

/** A flag of runsc is boolean that takes a value in runc and crun: by these values they are told apart. */
const rootlessValues: ReadonlySet<string> = new Set(["true", "false", "auto"]);

/** Flags of `create` and `run` that take the next word, the bundle's aside; the same sources. */
const createFlagsWithValue: ReadonlySet<string> = new Set(
  (
    "console-socket pid-file preserve-fds pidfd-socket " + // runc, crun
    "user-log fs-restore-image-path"
  ) // runsc
    .split(" "),
);

/** Our own flags, which stand before the command. */
const ownFlags: ReadonlySet<string> = new Set(["to", "device", "cdi-spec"]);

/** A command line of `runtime`. */
export interface RuntimeLine {
  /** The values of our own flags, in the order given. */
  readonly own: ReadonlyMap<string, readonly string[]>;
  /** All other words, as they are. */
  readonly words: readonly string[];
  /** The command of the runtime. */
  readonly command: string | undefined;
  /**
   * The bundle of `create` and `run` as it was given, "." for the working directory. Undefined when there is none to look at:
   * for other commands, when help is asked for, and when its configuration is not in config.json (crun).
   */
  readonly bundle: string | undefined;
  /** The file for the runtime's log, and its format. */
  readonly log: string | undefined;
  readonly logFormat: string | undefined;
}

/**
 * Reads a command line: flags of ours among the runtime's own up to the command, then the command's. The first `--` ends our
 * flags when it comes before all words of the runtime, and belongs to the runtime otherwise.
 */
export function readRuntimeLine(all: readonly string[]): RuntimeLine {
  const own = new Map<string, string[]>();
  const before: string[] = [];
  const values = new Map<string, string>();
  let ended = false;
  let at = 0;
  for (; at < all.length; at += 1) {
    const word = all[at] ?? "";
    if (word === "--") {
      if (before.length > 0 || ended) break;
      ended = true;
      continue;
    }
    const flag = flagOf(word);
    if (flag === undefined) break;
    const { name } = flag;
    if (!ended && ownFlags.has(name)) {
      const list = own.get(name) ?? [];
      list.push(flag.value ?? all[at + 1] ?? "");
      own.set(name, list);
      if (flag.value === undefined) at += 1;
      continue;
    }
    before.push(word);
    const next = all[at + 1];
    if (flag.value === undefined && next !== undefined && takesNext(name, next)) {
      before.push(next);
      at += 1;
    }
    values.set(name, flag.value ?? next ?? "");
  }
  const rest = all.slice(at);
  const commandAt = rest[0] === "--" ? 1 : 0;
  const command = rest[commandAt];
  const makes = command === "create" || command === "run";
  return {
    own,
    words: [...before, ...rest],
    command,
    bundle: makes ? bundleOf(rest.slice(commandAt + 1)) : undefined,
    log: values.get("log") ?? values.get("l"),
    logFormat: values.get("log-format"),
  };
}

function takesNext(name: string, next: string): boolean {
  return globalFlagsWithValue.has(name) || (name === "rootless" && rootlessValues.has(next));
}

/** A flag with one dash or two; undefined for a word that is none. */
function flagOf(word: string): { readonly name: string; readonly value: string | undefined } | undefined {
  if (word.length < 2 || !word.startsWith("-")) return undefined;
  const text = word.slice(word.startsWith("--") ? 2 : 1);
  const equals = text.indexOf("=");
  return equals < 0 ? { name: text, value: undefined } : { name: text.slice(0, equals), value: text.slice(equals + 1) };
}

/** Of what follows `create` or `run`. runc and crun take flags behind the container's name, too. */
function bundleOf(words: readonly string[]): string | undefined {
  let bundle = "";
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? "";
    if (word === "--") break;
    const flag = flagOf(word);
    if (flag === undefined) continue;
    const { name } = flag;
    if (notCreating.has(name)) return undefined;
    if (name === "bundle" || name === "b") bundle = flag.value ?? words[at + 1] ?? "";
    else if (word.startsWith("-b")) {
      bundle = word.slice(2); // crun
      continue;
    } else if (!createFlagsWithValue.has(name)) continue;
    if (flag.value === undefined) at += 1;
  }
  return bundle === "" ? "." : bundle;
}

/** Flags of `create` and `run` by which no bundle's config.json is used: help, and another file (crun). */
const notCreating: ReadonlySet<string> = new Set(["help", "h", "?", "usage", "config", "f"]);
