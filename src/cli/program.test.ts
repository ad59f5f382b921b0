import { expect, test } from "vitest";
import { runtimeNameOf } from "./program.ts";

test.each([
  ["/opt/cdi-hook/bin/cdi-hook-runsc", "runsc", "/opt/cdi-hook/bin"],
  ["cdi-hook-nvidia-container-runtime", "nvidia-container-runtime", undefined],
  ["./cdi-hook-runsc-20240729", "runsc-20240729", undefined],
])("%s stands before a runtime", (argv0, name, folder) => {
  expect(runtimeNameOf(argv0)).toEqual({ name, folder });
});

test.each(["cdi-hook", "dist/cdi-hook-arm64", "cdi-hook-0.1.0", "cdi-hook-linux-amd64", "nvidia-cdi-hook", "runc", ""])(
  "%s does not",
  (argv0) => {
    expect(runtimeNameOf(argv0)).toBeUndefined();
  },
);
