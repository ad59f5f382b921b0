/** What bin/host.c gives; test/support/kernel-setup.ts gives the same on Node. */
declare const syscall: (
  nr: number,
  a?: number | string | ArrayBufferView,
  b?: number | string | ArrayBufferView,
  c?: number | string | ArrayBufferView,
  d?: number | string | ArrayBufferView,
  e?: number | string | ArrayBufferView,
  f?: number | string | ArrayBufferView,
) => number;
declare const architecture: "x86-64" | "arm64" | "riscv64";
