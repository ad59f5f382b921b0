import { describe, expect, test } from "vitest";
import { readRuntimeLine } from "./runtime-arguments.ts";

describe("the command and the bundle", () => {
  test.each([
    // As conmon calls runc and crun, containerd-shim-runc-v2 runc, containerd-shim-runsc-v1 runsc.
    ["--log-format=json --log /x/log create --bundle /b --pid-file /p ID", "create", "/b"],
    ["--systemd-cgroup --root /run/runc --log /l --log-format json create --bundle /b ID", "create", "/b"],
    ["-root /r -log=/l -debug -platform systrap create -bundle /b -user-log /u ID", "create", "/b"],
    ["--root /run/runsc --log-format=json create --bundle=/b ID", "create", "/b"],
    ["run ID", "run", "."],
    ["run -b /b ID", "run", "/b"],
    ["run -b/b ID", "run", "/b"],
    ["run -b=/b ID", "run", "/b"],
    ["run ID --bundle /b", "run", "/b"],
    ["run --bundle /a --bundle /b ID", "run", "/b"],
    ["run --bundle= ID", "run", "."],
    ["run --pid-file --bundle ID", "run", "."],
    ["run ID -- --bundle /b", "run", "."],
    ["--debug -- run -b /b ID", "run", "/b"],
    ["--rootless create -b /b ID", "create", "/b"], // runsc
    ["--rootless auto create -b /b ID", "create", "/b"], // runc
    ["--root run create -b /b ID", "create", "/b"],
    ["--log create exec run", "exec", undefined],
    ["exec run create", "exec", undefined],
    ["kill create", "kill", undefined],
    ["state -b create", "state", undefined],
    ["restore --bundle /b ID", "restore", undefined],
    ["--version", undefined, undefined],
    ["--debug", undefined, undefined],
    ["create --help", "create", undefined],
    ["create -f other.json -b /b ID", "create", undefined],
    ["", undefined, undefined],
  ] as const)("%s", (text, command, bundle) => {
    const words = text === "" ? [] : text.split(" ");
    expect(readRuntimeLine(words)).toMatchObject({ command, bundle, words });
  });
});

describe("our own flags", () => {
  test("stand anywhere before the command, and are taken out", () => {
    const line = readRuntimeLine(
      "--to runc --debug --device a/b=c --root /r --cdi-spec=/s create --device x ID".split(" "),
    );
    expect([...line.own]).toEqual([
      ["to", ["runc"]],
      ["device", ["a/b=c"]],
      ["cdi-spec", ["/s"]],
    ]);
    expect(line.words.join(" ")).toBe("--debug --root /r create --device x ID");
  });

  test("end at a -- before all words of the runtime, which goes with them", () => {
    const line = readRuntimeLine("--to runc -- --device x create ID".split(" "));
    expect(line.words.join(" ")).toBe("--device x create ID");
    expect(readRuntimeLine("--debug -- create ID".split(" ")).words.join(" ")).toBe("--debug -- create ID");
  });
});

test("the runtime's log file and its format", () => {
  expect(readRuntimeLine("--log /l --log-format json run x".split(" "))).toMatchObject({
    log: "/l",
    logFormat: "json",
  });
  expect(readRuntimeLine("exec --log /l".split(" "))).toMatchObject({ log: undefined });
});
