import { writeSync } from "node:fs";
import type { Reporter, SerializedError, TestCase, TestModule, Vitest } from "vitest/node";
import { forbiddenSkips, skipList, tallyLine, type Skipped } from "./tally.ts";

const stdout = 1;

/**
 * Ends a run with the list of skipped tests and their reasons, and with the line `N passed, N failed, N skipped`. With
 * `CDI_HOOK_FORBID_SKIPS=1` a skip counts as a failure, unless a peer is absent (see `absentPeer`). An error outside of
 * any test counts as one failure. When the parent process listens, the numbers are sent to it, and it prints the line.
 */
export default class SummaryReporter implements Reporter {
  #partial = false;

  onInit(vitest: Vitest): void {
    this.#partial = vitest.config.testNamePattern !== undefined;
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    let passed = 0;
    let failed = unhandledErrors.length;
    const skips: Skipped[] = [];
    for (const testModule of modules) {
      failed += errorsOutsideTests(testModule);
      for (const testCase of testModule.children.allTests()) {
        const result = testCase.result();
        if (result.state === "passed") passed += 1;
        else if (result.state !== "skipped") failed += 1;
        else if (!this.#partial || result.note !== undefined)
          skips.push({ test: nameOf(testCase), reason: result.note });
      }
    }
    const forbidden = process.env["CDI_HOOK_FORBID_SKIPS"] === "1" ? forbiddenSkips(skips) : [];
    const accepted = skips.filter((skip) => !forbidden.includes(skip));
    process.stdout.write(skipList("\nSkipped:", accepted));
    process.stdout.write(skipList("\nSkipped, which counts as a failure here (CDI_HOOK_FORBID_SKIPS=1):", forbidden));
    failed += forbidden.length;
    if (failed > 0) process.exitCode = 1;

    const tally = { passed, failed, skipped: accepted.length };
    if (process.send === undefined) process.once("exit", () => writeSync(stdout, `\n${tallyLine(tally)}\n`));
    else process.send(tally);
  }
}

/** A file that could not be loaded, and hooks that failed around tests. */
function errorsOutsideTests(testModule: TestModule): number {
  let count = testModule.errors().length;
  for (const suite of testModule.children.allSuites()) count += suite.errors().length;
  return count;
}

function nameOf(testCase: TestCase): string {
  return `${testCase.module.relativeModuleId} > ${testCase.fullName}`;
}
