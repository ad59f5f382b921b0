import { execFileSync } from "node:child_process";
import { linkSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { forgeElf } from "./elf-forge.ts";
import { compareListings, type Listing, listTree } from "./tree-listing.ts";

/**
 * Lays out, below an existing directory, what an attack on the host would want to reach: the host's configuration of the
 * dynamic linker and its cache, libraries whose soname links are missing, secrets, links, and files that are none.
 */
export function layCanary(directory: string): void {
  const at = (path: string): string => join(directory, path);
  mkdirSync(at("etc/ld.so.conf.d"), { recursive: true });
  mkdirSync(at("usr/lib"), { recursive: true });
  mkdirSync(at("empty"), { mode: 0o700 });
  writeFileSync(at("etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n");
  writeFileSync(at("etc/shadow"), "root:*:20000:0:99999:7:::\n", { mode: 0o600 });
  writeFileSync(at("etc/ld.so.conf"), "include /etc/ld.so.conf.d/*.conf\n");
  writeFileSync(at("etc/ld.so.conf.d/host.conf"), "/usr/lib\n");
  writeFileSync(at("etc/ld.so.cache"), "the host's cache");
  writeFileSync(at("usr/lib/libhost.so.1.2"), forgeElf({ sonames: ["libhost.so.1"] }));
  writeFileSync(at("usr/lib/libcuda.so.580.1"), forgeElf({ sonames: ["libcuda.so.1"] }));
  writeFileSync(at("secret"), "secret", { mode: 0o600 });
  linkSync(at("secret"), at("secret too"));
  symlinkSync("nowhere", at("usr/lib/libgone.so.1"));
  symlinkSync("secret", at("link"));
  execFileSync("mkfifo", [at("fifo")]);
}

/**
 * Everything below a directory as it is now, but `without`: type, mode, owner, target, content, inode number, time of
 * change. Answers with a function that tells what is different later, one line each.
 */
export function watchTree(directory: string, without: readonly string[] = []): () => string[] {
  const look = (): Listing => listTree(directory, { identity: true, without });
  const before = look();
  return () => compareListings(before, look());
}
