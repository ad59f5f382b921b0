#!/usr/bin/env node
// Becomes the executable of this machine's architecture, which a package of its own brings.
import { spawn } from "node:child_process";
import { createRequire } from "node:module";

const name = `@cdi-hook/linux-${process.arch}`;
const signals = ["SIGHUP", "SIGINT", "SIGTERM", "SIGUSR1", "SIGUSR2"];

function executable() {
  try {
    return createRequire(import.meta.url).resolve(`${name}/cdi-hook`);
  } catch {
    console.error(`cdi-hook: the package ${name} is not installed; there are ones for linux-x64 and linux-arm64`);
    process.exit(1);
  }
}

const path = executable();
const words = process.argv.slice(2);
// Since Node 22.15 a program can take this process's place; before, it is a child that gets its signals.
if (process.execve !== undefined) process.execve(path, ["cdi-hook", ...words], process.env);
const child = spawn(path, words, { argv0: "cdi-hook", stdio: "inherit" });
for (const signal of signals) process.on(signal, () => child.kill(signal));
child.on("error", (error) => {
  console.error(`cdi-hook: ${error.message}`);
  process.exit(1);
});
child.on("exit", (status, signal) => {
  if (signal === null) process.exit(status);
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
});
