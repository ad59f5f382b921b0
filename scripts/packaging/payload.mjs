// The files that a deb and an rpm put on a node.
import { chmodSync, lutimesSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { HOME, NAMES, run, template, top } from "./release.mjs";
import { gzip } from "./tar.mjs";

const UNITS = "usr/lib/systemd/system";

/** An entry for tar() and lay(). */
export const file = (path, content, mode = 0o644) => ({ path, content, mode });

/** A file of the checkout's top, as it is. */
export const document = (path, name) => file(path, readFileSync(join(top, name)));

/** The completions of a shell. They are the same for all architectures; the executable that runs here writes them. */
const completion = (shell) => run(join(top, "dist/cdi-hook"), ["completion", shell], { env: {} });

/** The entries of a node's installation, without what a kind of package adds of its own; `zsh` is a place for completions. */
export function payload(executable, { zsh }) {
  return [
    file(`${HOME}/cdi-hook`, executable, 0o755),
    ...NAMES.map((name) => ({ path: `${HOME}/${name}`, target: "cdi-hook" })),
    { path: "usr/bin/cdi-hook", target: `/${HOME}/cdi-hook` },
    file(`${UNITS}/cdi-hook-watch.service`, template("systemd/cdi-hook-watch.service")),
    file(`${UNITS}/nvidia-cdi-refresh.service.d/50-cdi-hook.conf`, template("systemd/nvidia-cdi-refresh.conf")),
    file("usr/share/man/man8/cdi-hook.8.gz", gzip(readFileSync(join(top, "docs/man/cdi-hook.8")))),
    file("usr/share/bash-completion/completions/cdi-hook", completion("bash")),
    file("usr/share/fish/vendor_completions.d/cdi-hook.fish", completion("fish")),
    file(zsh, completion("zsh")),
  ];
}

/** Writes entries below a folder, each file and folder with exactly its mode and with the given time. */
export function lay(entries, folder, mtime) {
  for (const { path, content, mode, target } of entries) {
    const place = join(folder, path);
    mkdirSync(dirname(place), { recursive: true });
    if (target !== undefined) symlinkSync(target, place);
    else {
      writeFileSync(place, content);
      chmodSync(place, mode);
    }
  }
  settle(folder, mtime);
}

function settle(folder, mtime) {
  chmodSync(folder, 0o755);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) settle(path, mtime);
    else lutimesSync(path, mtime, mtime);
  }
  lutimesSync(folder, mtime, mtime);
}
