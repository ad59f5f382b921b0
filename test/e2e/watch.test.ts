import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { beforeEach, describe, expect, onTestFinished, type TestContext, test } from "vitest";
import { program } from "../support/debian-root.ts";
import { runHook } from "../support/executable.ts";
import { scratchDirectory } from "../support/scratch.ts";
import { pause, until, Watcher } from "../support/watcher.ts";

const hookDirectory = "/opt/elsewhere/bin";
const oldHook = "/usr/bin/nvidia-cdi-hook";
const newHook = `${hookDirectory}/nvidia-cdi-hook`;

let top: string;
let specs: string;
/** What `cdi rewrite` and `cdi watch` are told beside the directories. */
let flags: readonly string[];
beforeEach(() => {
  top = scratchDirectory();
  specs = join(top, "cdi");
  flags = ["--hook-dir", hookDirectory, "--state", join(top, "originals")];
});

const mounts = Array.from({ length: 30 }, (_, at) => `/usr/lib/x86_64-linux-gnu/libnvidia-part${at}.so.580.65.06`);

/** A device of a spec in YAML. */
const device = (name: string, generation: string): string => `- name: ${name}
  containerEdits:
    env:
    - GENERATION=${generation}
    hooks:
    - hookName: createContainer
      path: ${oldHook}
      args:
      - nvidia-cdi-hook
      - create-symlinks
      - --link
      - ${generation}::/usr/lib/libcuda.so
`;

/** A spec of some kilobytes, different for each file and generation. */
function spec(file: string, generation: string): string {
  const kind = `${file.replace(/\W/g, "-")}.test/gpu`;
  if (file.endsWith(".yaml")) {
    const lines = mounts.map((path) => `  - hostPath: ${path}\n    containerPath: ${path}\n`);
    return `---\ncdiVersion: 0.5.0\nkind: ${kind}\ncontainerEdits:\n  mounts:\n${lines.join("")}devices:\n${device("all", generation)}`;
  }
  const hook = { hookName: "createContainer", path: oldHook, args: ["nvidia-cdi-hook", "noop", generation] };
  const edits = { mounts: mounts.map((path) => ({ hostPath: path, containerPath: path })), hooks: [hook] };
  const devices = [{ name: "all", containerEdits: { env: [`GENERATION=${generation}`] } }];
  return `${JSON.stringify({ cdiVersion: "0.5.0", kind, containerEdits: edits, devices }, null, 2)}\n`;
}

/** The same as `cdi rewrite` leaves it. */
function rewritten(name: string, text: string): string {
  const path = join(top, "once", name);
  mkdirSync(join(top, "once"), { recursive: true });
  writeFileSync(path, text);
  const { status, stderr } = runHook(["cdi", "rewrite", ...flags, path]);
  expect({ status, stderr }).toMatchObject({ status: 0 });
  return readFileSync(path, "utf8");
}

const isRewritten = (path: string): boolean => {
  try {
    const text = readFileSync(path, "utf8");
    return text.includes(newHook) && !text.includes(oldHook);
  } catch {
    return false;
  }
};

interface Way {
  readonly name: string;
  /** Whether a reader may meet the beginning of the text only, while it is written. */
  readonly torn: boolean;
  write(path: string, text: string): void | Promise<void>;
}

const beside = (path: string, text: string): string => {
  writeFileSync(`${path}.new`, text);
  return `${path}.new`;
};

const ways: readonly Way[] = [
  { name: "truncate and write", torn: true, write: writeFileSync },
  {
    name: "write beside and rename, as CDI's library",
    torn: false,
    write: (path, text) => renameSync(beside(path, text), path),
  },
  {
    name: "delete and create",
    torn: true,
    write(path, text) {
      rmSync(path, { force: true });
      writeFileSync(path, text, { flag: "wx" });
    },
  },
  {
    name: "delete, and create after a while",
    torn: true,
    async write(path, text) {
      rmSync(path, { force: true });
      await pause(130);
      writeFileSync(path, text, { flag: "wx" });
    },
  },
  {
    name: "truncate, and write slowly, as a shell's redirection",
    torn: true,
    async write(path, text) {
      const fd = openSync(path, "w");
      for (const [start, end] of [
        [0, 1000],
        [1000, 2000],
        [2000, text.length],
      ] as const) {
        await pause(130);
        writeSync(fd, text.slice(start, end));
      }
      closeSync(fd);
    },
  },
  {
    name: "write over, without truncating",
    torn: true,
    write(path, text) {
      if (!existsSync(path)) writeFileSync(path, "");
      const fd = openSync(path, "r+");
      // As long as what was there, so that no moment has the end of the old text.
      writeSync(fd, text.padEnd(statSync(path).size), 0);
      closeSync(fd);
    },
  },
  {
    name: "append to a part of it",
    torn: true,
    async write(path, text) {
      const cut = Math.max(text.indexOf("devices:"), 100);
      writeFileSync(path, text.slice(0, cut));
      await pause(10);
      appendFileSync(path, text.slice(cut));
    },
  },
  {
    name: "move the old one away and write a new one, as vim",
    torn: true,
    write(path, text) {
      if (existsSync(path)) renameSync(path, `${path}~`);
      const fd = openSync(path, "wx");
      writeSync(fd, text);
      fsyncSync(fd);
      closeSync(fd);
      rmSync(`${path}~`, { force: true });
    },
  },
  {
    name: "put a hard link there",
    torn: false,
    write(path, text) {
      rmSync(`${path}.kept`, { force: true });
      renameSync(beside(path, text), `${path}.kept`);
      rmSync(path, { force: true });
      linkSync(`${path}.kept`, path);
    },
  },
  {
    name: "write beside, rename, and change the mode",
    torn: false,
    write(path, text) {
      renameSync(beside(path, text), path);
      chmodSync(path, 0o640);
      chmodSync(path, 0o644);
    },
  },
];
/** Whether a new text is being written over one of the old ones. */
function isWrittenOver(content: string, written: string, old: readonly string[]): boolean {
  let same = 0;
  while (same < content.length && content[same] === written[same]) same += 1;
  const rest = content.slice(same);
  return old.some((one) => one.slice(same) === rest);
}

const files = ["one.yaml", "two.json", "three.yaml", "four.json"];
const rounds = 50;

test(`${rounds * files.length} rewrites in every way that programs write: rewritten each time, and never torn`, async () => {
  mkdirSync(specs);
  const watcher = await Watcher.start([...flags, specs]);
  const reader = spawn(process.execPath, [resolve(import.meta.dirname, "../support/spec-reader.mjs"), specs]);
  onTestFinished(() => void reader.kill("SIGKILL"));
  let read = "";
  reader.stdout.setEncoding("utf8").on("data", (text: string) => (read += text));
  await until(() => read !== "");

  const models = new Map(files.map((name) => [name, rewritten(name, spec(name, "GENERATION_MARK"))]));
  const wanted = (name: string, generation: string): string =>
    (models.get(name) ?? "").replaceAll("GENERATION_MARK", generation);
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const generation = `generation${round}x`;
    const change = async (name: string, way: Way): Promise<void> => {
      const path = join(specs, name);
      await way.write(path, spec(name, generation));
      const content = (): string => (existsSync(path) ? readFileSync(path, "utf8") : "absent").trimEnd();
      const expected = wanted(name, generation).trimEnd();
      times.push(
        await until(
          () => content() === expected,
          () => `${way.name}: ${path}: ${content()}\n${watcher.stderr.slice(-2000)}`,
        ),
      );
    };
    await Promise.all(files.map((name, at) => change(name, ways[(round + at) % ways.length] as Way)));
  }
  times.sort((one, other) => one - other);
  const time = (part: number): number => Math.round(times[Math.floor((times.length - 1) * part)] ?? 0);
  console.log(`rewritten within: median ${time(0.5)} ms, 95 % ${time(0.95)} ms, longest ${time(1)} ms`);

  reader.stdin.end();
  await once(reader, "close");
  const met = JSON.parse(read.slice(read.indexOf("{"))) as Record<string, readonly string[]>;
  let whole = 0;
  for (const [path, contents] of Object.entries(met)) {
    const name = path.slice(specs.length + 1);
    const written = Array.from({ length: rounds }, (_, round) => spec(name, `generation${round}x`));
    const ours = Array.from({ length: rounds }, (_, round) => wanted(name, `generation${round}x`));
    for (const content of contents) {
      const text = content.trimEnd();
      const isWhole = ours.some((one) => one.trimEnd() === text);
      // What the watcher wrote is whole; anything else is as its writer left it.
      const known = isWhole || written.some((one) => one.startsWith(text) || isWrittenOver(content, one, ours));
      expect(known, `${path}:\n${content}`).toBe(true);
      if (isWhole) whole += 1;
    }
  }
  expect(whole).toBeGreaterThan(rounds);
  expect(readdirSync(specs).filter((name) => name.startsWith("."))).toEqual([]);
  expect(await watcher.end()).toBe(0);
});

test("a spec that a process has open for writing is left alone, whatever is in it, until it is closed", async () => {
  mkdirSync(specs);
  const path = join(specs, "a.yaml");
  const fd = openSync(path, "w");
  writeSync(fd, spec("a.yaml", "1"));
  const watcher = await Watcher.start([...flags, specs]);
  writeSync(fd, device("second", "2"));
  await pause(700);
  expect(readFileSync(path, "utf8")).toBe(spec("a.yaml", "1") + device("second", "2"));
  writeSync(fd, device("third", "3"));
  closeSync(fd);
  await until(() => isRewritten(path));
  expect(readFileSync(path, "utf8").split(newHook).length - 1).toBe(3);
  expect(await watcher.end()).toBe(0);
});

test("what is written while an older one is being rewritten is not lost", async () => {
  mkdirSync(specs);
  const watcher = await Watcher.start([...flags, "--no-backup", specs]);
  const path = join(specs, "a.yaml");
  let generation = 0;
  for (let burst = 0; burst < 25; burst++) {
    for (let time = 0; time <= burst % 5; time++) {
      generation += 1;
      const text = spec("a.yaml", `generation${generation}x`);
      if ((burst + time) % 3 === 0) writeFileSync(path, text);
      else renameSync(beside(path, text), path);
      // The times at which a rewrite is under way, and those just before and after.
      await pause(95 + ((burst * 7 + time * 13) % 45));
    }
    const last = `=generation${generation}x`;
    await until(
      () => isRewritten(path) && readFileSync(path, "utf8").includes(last),
      () => `${last}: ${readFileSync(path, "utf8")}`,
      20_000,
    );
  }
  expect(await watcher.end()).toBe(0);
});

test("owner, mode and other names are left, a link stays a link", async () => {
  mkdirSync(specs);
  const path = join(specs, "a.yaml");
  const linked = join(specs, "b.yaml");
  writeFileSync(join(top, "behind"), spec("b.yaml", "1"));
  symlinkSync("../behind", linked);
  writeFileSync(path, spec("a.yaml", "1"), { mode: 0o640 });
  for (const name of ["c.yml", "d.json.bak", ".e.swp"]) writeFileSync(join(specs, name), spec("c.yaml", "1"));
  const watcher = await Watcher.start([...flags, specs]);
  await until(() => isRewritten(path) && isRewritten(linked));
  expect(statSync(path).mode & 0o7777).toBe(0o640);
  expect(readFileSync(join(top, "behind"), "utf8")).toContain(newHook);
  for (const name of ["c.yml", "d.json.bak", ".e.swp"]) {
    expect(readFileSync(join(specs, name), "utf8")).toBe(spec("c.yaml", "1"));
  }
  expect(await watcher.end()).toBe(0);
});

test("it does not react to what it writes itself, and to nothing without need", async () => {
  mkdirSync(specs);
  const watcher = await Watcher.start([...flags, specs]);
  for (const name of files) writeFileSync(join(specs, name), spec(name, "1"));
  await until(() => files.every((name) => isRewritten(join(specs, name))));
  await pause(1500);
  expect(await watcher.end()).toBe(0);
  expect([watcher.said("debug: looks at "), watcher.said("rewritten")]).toEqual([files.length, files.length]);
});

test("a spec that is invalid is told with its line and left alone, until it is valid", async () => {
  mkdirSync(specs);
  const path = join(specs, "a.yaml");
  const watcher = await Watcher.start([...flags, specs]);
  const broken = spec("a.yaml", "1").replace("devices:", "devices: [");
  writeFileSync(path, broken);
  await until(() => watcher.said(path) > 0 && watcher.said("error: ") > 0);
  expect(watcher.stderr).toMatch(/a\.yaml:\d+/);
  expect(readFileSync(path, "utf8")).toBe(broken);
  writeFileSync(path, spec("a.yaml", "2"));
  await until(() => isRewritten(path));
  expect(await watcher.end()).toBe(0);
});

describe.each(["SIGTERM", "SIGINT", "SIGHUP"] as const)("%s", (signal) => {
  test("ends it with status 0, also while it works", async () => {
    mkdirSync(specs);
    const idle = await Watcher.start([...flags, specs]);
    expect(await idle.end(signal)).toBe(0);
    const busy = await Watcher.start([...flags, specs]);
    for (let at = 0; at < 100; at++) writeFileSync(join(specs, `${at}.yaml`), spec(`${at}.yaml`, "1"));
    await until(() => readdirSync(specs).some((name) => isRewritten(join(specs, name))));
    expect(await busy.end(signal)).toBe(0);
    for (const name of readdirSync(specs)) {
      expect(name).toMatch(/^\d+\.yaml$/);
      const text = readFileSync(join(specs, name), "utf8");
      expect(text === spec(name, "1") || isRewritten(join(specs, name)), name).toBe(true);
    }
  });
});

test("as the first process of a pid namespace, as in a container, SIGTERM ends it too", async (context) => {
  needRoot(context, "unshare");
  mkdirSync(specs);
  const watcher = await Watcher.start([...flags, specs], [program("unshare") ?? "", "--pid", "--fork", "--kill-child"]);
  const children = readFileSync(`/proc/${watcher.process.pid}/task/${watcher.process.pid}/children`, "utf8");
  const exited = once(watcher.process, "exit");
  process.kill(Number(children), "SIGTERM");
  await exited;
  expect([watcher.process.exitCode, watcher.process.signalCode]).toEqual([0, null]);
});

function needRoot(context: TestContext, ...programs: readonly string[]): void {
  if (process.getuid?.() !== 0) context.skip("needs root");
  for (const name of programs) if (program(name) === undefined) context.skip(`needs ${name}`);
}

test("directories that do not exist yet, vanish, and come back, with those above them", async () => {
  const deep = join(top, "run/more/cdi");
  const watcher = await Watcher.start([...flags, specs, deep]);
  const put = async (directory: string, name: string): Promise<void> => {
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, name), spec(name, "1"));
    await until(
      () => isRewritten(join(directory, name)),
      () => watcher.stderr,
    );
  };
  await put(specs, "a.yaml");
  await put(deep, "b.yaml");
  rmSync(specs, { recursive: true });
  rmSync(join(top, "run"), { recursive: true });
  await pause(200);
  await put(deep, "c.yaml");
  renameSync(join(top, "run"), join(top, "away"));
  await put(deep, "d.yaml");
  rmSync(join(top, "run"), { recursive: true });
  writeFileSync(join(top, "away/more/cdi/e.yaml"), spec("e.yaml", "1"));
  renameSync(join(top, "away"), join(top, "run"));
  await until(() => isRewritten(join(deep, "e.yaml")));
  // Replaced in one step, and while somebody stays in the old one.
  await put(specs, "f.yaml");
  const stays = spawn("sleep", ["60"], { cwd: specs });
  onTestFinished(() => void stays.kill("SIGKILL"));
  for (let times = 0; times < 20; times++) {
    rmSync(specs, { recursive: true });
    await put(specs, `${times}.yaml`);
  }
  expect(await watcher.end()).toBe(0);
});

test("more events than the kernel keeps: everything is looked at", async () => {
  mkdirSync(specs);
  const watcher = await Watcher.start([...flags, specs]);
  const limit = Number(readFileSync("/proc/sys/fs/inotify/max_queued_events", "utf8"));
  watcher.process.kill("SIGSTOP");
  for (let events = 0; events <= limit; events += 2) {
    writeFileSync(join(specs, "noise.json"), "");
    rmSync(join(specs, "noise.json"));
  }
  writeFileSync(join(specs, "a.yaml"), spec("a.yaml", "1"));
  watcher.process.kill("SIGCONT");
  await until(() => isRewritten(join(specs, "a.yaml")));
  expect(await watcher.end()).toBe(0);
  expect(watcher.said("more happened than the kernel could tell")).toBe(1);
});

describe.each([
  ["max_inotify_instances", "0", "max_user_instances"],
  ["max_inotify_watches", "2", "max_user_watches"],
])("%s reached", (name, value, told) => {
  test("it says so and polls, and takes inotify again when it can", async (context) => {
    needRoot(context, "unshare");
    mkdirSync(specs);
    const setting = `/proc/sys/user/${name}`;
    const script = `echo ${value} > ${setting} && exec "$@"`;
    const sh = [program("unshare") ?? "", "--user", "--map-root-user", "/bin/sh", "-c", script, "sh"];
    const path = join(specs, "a.yaml");
    const watcher = await Watcher.start([...flags, specs], sh);
    expect(watcher.stderr).toMatch(new RegExp(`warning: .*${told}.*every second`));
    for (const generation of ["1", "2", "3"]) {
      writeFileSync(path, spec("a.yaml", generation));
      await until(() => isRewritten(path) && readFileSync(path, "utf8").includes(`=${generation}`));
    }
    spawnSync("nsenter", ["-t", String(watcher.process.pid), "-U", "sh", "-c", `echo 1000 > ${setting}`]);
    await until(() => watcher.said("inotify tells of changes again") > 0);
    writeFileSync(path, spec("a.yaml", "4"));
    await until(() => isRewritten(path));
    expect(await watcher.end()).toBe(0);
    expect(watcher.said("warning: ")).toBe(1);
  });
});

test("a file is no directory to watch", () => {
  writeFileSync(specs, "");
  const { status, stderr } = runHook(["cdi", "watch", ...flags, specs]);
  expect([status, stderr]).toEqual([1, expect.stringContaining(`watch ${specs}: not a directory`)]);
});

test("--poll does without inotify", async () => {
  const watcher = await Watcher.start([...flags, "--poll", specs]);
  mkdirSync(specs);
  const path = join(specs, "a.json");
  writeFileSync(path, spec("a.json", "1"));
  await until(() => isRewritten(path));
  expect(watcher.descriptors()).not.toContain("anon_inode:inotify");
  expect(await watcher.end()).toBe(0);
});

test("a supervisor is told when every spec has been looked at (sd_notify)", async (context) => {
  if (program("perl") === undefined) context.skip("needs perl");
  mkdirSync(specs);
  writeFileSync(join(specs, "a.json"), spec("a.json", "1"));
  for (const socket of [join(top, "notify"), `@cdi-hook-test-${process.pid}`]) {
    const script =
      "use Socket; socket(S, AF_UNIX, SOCK_DGRAM, 0); $a = shift; $a =~ s/^@/\\0/; bind(S, sockaddr_un($a)) or die $!;" +
      '$| = 1; print "bound "; for (1, 2) { recv(S, $b, 99, 0); print "$b " }';
    const supervisor = spawn("perl", ["-e", script, socket], { stdio: ["ignore", "pipe", "inherit"] });
    onTestFinished(() => void supervisor.kill("SIGKILL"));
    let told = "";
    supervisor.stdout.setEncoding("utf8").on("data", (text: string) => (told += text));
    await until(() => told === "bound ");
    const watcher = await Watcher.start([...flags, specs], ["/usr/bin/env", `NOTIFY_SOCKET=${socket}`]);
    await until(() => told === "bound READY=1 ");
    expect(isRewritten(join(specs, "a.json"))).toBe(true);
    expect(await watcher.end()).toBe(0);
    await until(() => told === "bound READY=1 STOPPING=1 ");
  }
});

test("memory is flat over 10,000 events, and no descriptor stays open", async () => {
  mkdirSync(specs);
  const watcher = await Watcher.start([...flags, "--no-backup", specs]);
  const descriptors = watcher.descriptors();
  expect(descriptors).toContain("anon_inode:inotify");
  const names = Array.from({ length: 200 }, (_, at) => `${at}.yaml`);
  const head = "cdiVersion: 0.5.0\nkind: small.test/gpu\ndevices:\n";
  const memory: number[] = [];
  for (let round = 0; round < 10; round++) {
    // Every other time it meets all of them at once, which is the most that there can be.
    if (round % 2 === 0) watcher.process.kill("SIGSTOP");
    for (let time = 0; time < 5; time++) {
      for (const name of names) {
        writeFileSync(join(specs, "beside"), head + device("all", `generation${round}-${time}x`));
        renameSync(join(specs, "beside"), join(specs, name));
      }
    }
    watcher.process.kill("SIGCONT");
    for (const name of names) await until(() => isRewritten(join(specs, name)));
    memory.push(watcher.residentMemory());
  }
  // That of one spec at a time.
  expect(Math.max(...memory)).toBeLessThan(8 * 1024);
  // A page of memory comes or goes with the order of things; 1,600 rewrites that keep 500 bytes each are 800 KiB.
  expect(Math.max(...memory)).toBeLessThan(Math.max(...memory.slice(0, 2)) + 512);
  await until(() => String(watcher.descriptors()) === String(descriptors));
  expect(await watcher.end()).toBe(0);
  console.log(`${watcher.said("rewritten")} rewrites; resident KiB after each 1,000 events: ${memory.join(", ")}`);
  expect(watcher.said("rewritten")).toBeGreaterThanOrEqual(10 * names.length);
});
