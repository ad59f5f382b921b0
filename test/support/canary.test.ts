import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { layCanary, watchTree } from "./canary.ts";
import { scratchDirectory } from "./scratch.ts";

describe("watchTree notices", () => {
  const changes: readonly [string, string][] = [
    ["a mode", "chmod 600 etc/passwd"],
    ["an owner", "chown 1:1 etc/passwd"],
    ["a time", "touch etc/passwd"],
    [
      "content with its old time and size",
      "touch -r secret t; printf SECRET >secret; touch -r t secret; rm t; touch -d @0 .",
    ],
    ["another file with the same content", "cp -p secret t; mv t secret"],
    ["a link's target", "ln -sfn etc link"],
    ["a file, a link, a FIFO that is new", "touch new; ln -s x new-link; mkfifo new-fifo"],
    ["a file that is gone", "rm 'secret too'"],
    ["a folder's mode", "chmod 755 empty"],
    ["a file that came and went", "touch empty/x; rm empty/x"],
  ];
  test.each(changes)("%s", (_, command) => {
    const directory = scratchDirectory();
    layCanary(directory);
    const watch = watchTree(directory);
    expect(watch()).toEqual([]);
    execFileSync("sh", ["-c", command], { cwd: directory });
    expect(watch()).not.toEqual([]);
  });

  test("nothing in what is left out", () => {
    const directory = scratchDirectory();
    layCanary(directory);
    const watch = watchTree(directory, ["/etc/ld.so.conf.d"]);
    execFileSync("touch", [join(directory, "etc/ld.so.conf.d/new")]);
    expect(watch()).toEqual([]);
  });
});
