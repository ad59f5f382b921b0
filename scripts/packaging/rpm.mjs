// RPM packages, by rpmbuild from a spec that copies what is built already.
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { document, file, lay, payload } from "./payload.mjs";
import { fill, run, template } from "./release.mjs";

/** What keeps this machine and this hour out of the package, and other hands off the executable. */
const MACROS = {
  _buildhost: "localhost",
  _build_id_links: "none",
  _binary_payload: "w9.xzdio",
  use_source_date_epoch_as_buildtime: "1",
  clamp_mtime_to_source_date_epoch: "1",
  debug_package: "%{nil}",
  __os_install_post: "%{nil}",
};

/** An entry's line below %files. */
function attributes({ path, mode }) {
  return `%attr(${mode === undefined ? "-" : `0${mode.toString(8)}`},root,root) "/${path}"`;
}

/** Writes one package for each architecture into `out`, with `work` as scratch space. */
export function rpm(release, out, work) {
  const { version, revision, maintainer, license, mtime } = release;
  for (const { rpm: architecture, executable } of release.architectures) {
    const entries = [
      ...payload(executable, { zsh: "usr/share/zsh/site-functions/_cdi-hook" }),
      file("usr/lib/systemd/system-preset/80-cdi-hook.preset", template("systemd/cdi-hook.preset")),
      ...["LICENSE", "NOTICE"].map((name) => document(`usr/share/licenses/cdi-hook/${name}`, name)),
    ];
    const folder = join(work, `rpm-${architecture}`);
    const tree = join(folder, "tree");
    lay(entries, tree, mtime);
    const values = { VERSION: version, REVISION: revision, LICENSE: license, MAINTAINER: maintainer, TREE: tree };
    const files = entries.map(attributes).toSorted().join("\n");
    const spec = join(folder, "cdi-hook.spec");
    writeFileSync(spec, fill(template("rpm/cdi-hook.spec"), { ...values, FILES: files }));
    const macros = { ...MACROS, _topdir: folder, _rpmdir: join(folder, "made"), _rpmfilename: "made.rpm" };
    const defines = Object.entries(macros).flatMap(([name, value]) => ["--define", `${name} ${value}`]);
    run("rpmbuild", ["-bb", "--target", `${architecture}-linux`, ...defines, spec], {
      env: { SOURCE_DATE_EPOCH: String(mtime) },
    });
    renameSync(join(folder, "made/made.rpm"), join(out, `cdi-hook-${version}-${revision}.${architecture}.rpm`));
  }
}
