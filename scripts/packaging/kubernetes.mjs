// The Helm chart and the kustomize base, with version and image filled in.
import { readdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fill, template, top } from "./release.mjs";
import { gzip, tar } from "./tar.mjs";

/** The templates below a folder of scripts/packaging, filled in, as entries below `under`. */
function filled(folder, under, { version, image }) {
  const base = join(top, "scripts/packaging", folder);
  return readdirSync(base, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => {
      const path = relative(base, join(entry.parentPath, entry.name));
      const content = fill(template(join(folder, path)), { VERSION: version, IMAGE: image });
      return { path: join(under, path), content, mode: 0o644 };
    });
}

/** Writes the chart into `out`, as `helm package` would. */
export function helm(release, out) {
  const entries = filled("helm", "cdi-hook", release);
  writeFileSync(join(out, `cdi-hook-chart-${release.version}.tgz`), gzip(tar(entries, release.mtime)));
}

/** Writes the base and the overlay that removes, into `out`. */
export function kustomize(release, out) {
  const name = `cdi-hook-kustomize-${release.version}`;
  writeFileSync(join(out, `${name}.tar.gz`), gzip(tar(filled("kustomize", name, release), release.mtime)));
}
