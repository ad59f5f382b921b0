/* oxlint-disable */
// What a program can observe of the language, line by line, where the engine in the executable has ways of its own
// (scripts/engine-changes.mjs). scripts/compare-engine.mjs runs it on an engine without them as well and compares the lines,
// so there is nothing in them of a clock, of chance or of addresses.
import { arrays } from "./arrays.js";
import { branches } from "./branches.js";
import { calls } from "./calls.js";
import { iteration } from "./iteration.js";
import { literals } from "./literals.js";
import { maps } from "./maps.js";
import { numbers } from "./numbers.js";
import { accessByName, accessByValue, changingObjects, inheritedNumbers, manyProperties } from "./properties.js";
import { flush, line, report } from "./report.js";
import { strings } from "./strings.js";

const sections = {
  accessByName,
  accessByValue,
  inheritedNumbers,
  changingObjects,
  manyProperties,
  literals,
  branches,
  calls,
  strings,
  maps,
  iteration,
  arrays,
  numbers,
};

export function main() {
  loadModule("people.js"); // and with it all of the language that the engine has
  for (const [name, section] of Object.entries(sections)) {
    line("== " + name);
    report(name, section);
  }
  flush();
  syscall(architecture === "x86-64" ? 231 : 94, 0);
}
