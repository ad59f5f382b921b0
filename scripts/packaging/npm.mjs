// npm packages: one for each architecture that is nothing but its executable, and one that picks among them.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { template, top } from "./release.mjs";
import { gzip, tar } from "./tar.mjs";

const nameOf = (architecture) => `@cdi-hook/linux-${architecture.npm}`;

/** The tarball of a package, named as npm names it. */
function write(out, manifest, files, mtime) {
  const all = {
    "package.json": [`${JSON.stringify(manifest, undefined, 2)}\n`, 0o644],
    LICENSE: [readFileSync(join(top, "LICENSE")), 0o644],
    NOTICE: [readFileSync(join(top, "NOTICE")), 0o644],
    ...files,
  };
  const entries = Object.entries(all).map(([path, [content, mode]]) => ({ path: `package/${path}`, content, mode }));
  const file = `${manifest.name.replace("@", "").replace("/", "-")}-${manifest.version}.tgz`;
  writeFileSync(join(out, file), gzip(tar(entries, mtime)));
}

/** Writes the packages into `out`. */
export function npm(release, out) {
  const { version, description, license, mtime, architectures } = release;
  for (const architecture of architectures) {
    const manifest = {
      name: nameOf(architecture),
      version,
      description: `cdi-hook for ${architecture.npm}`,
      license,
      os: ["linux"],
      cpu: [architecture.npm],
    };
    write(out, manifest, { "cdi-hook": [architecture.executable, 0o755] }, mtime);
  }
  const manifest = {
    name: "cdi-hook",
    version,
    description,
    license,
    type: "module",
    bin: { "cdi-hook": "launcher.mjs" },
    os: ["linux"],
    engines: { node: ">=18" },
    optionalDependencies: Object.fromEntries(architectures.map((architecture) => [nameOf(architecture), version])),
  };
  const files = {
    "launcher.mjs": [template("npm/launcher.mjs"), 0o755],
    "README.md": [template("npm/README.md"), 0o644],
  };
  write(out, manifest, files, mtime);
}
