// Debian packages, by dpkg-deb.
import { createHash } from "node:crypto";
import { join } from "node:path";
import { document, file, lay, payload } from "./payload.mjs";
import { fill, run, template } from "./release.mjs";
import { gzip } from "./tar.mjs";

const DOCUMENTS = "usr/share/doc/cdi-hook";
const SCRIPTS = ["postinst", "prerm", "postrm"];

function changelog({ version, revision, maintainer, mtime }) {
  const date = new Date(mtime * 1000).toUTCString().replace("GMT", "+0000");
  const entry = "  * What is new is told in changelog.gz.";
  return `cdi-hook (${version}-${revision}) stable; urgency=medium\n\n${entry}\n\n -- ${maintainer}  ${date}\n`;
}

/** dpkg's own list for `dpkg --verify`. */
function md5sums(entries) {
  const lines = entries
    .filter(({ target }) => target === undefined)
    .map(({ path, content }) => `${createHash("md5").update(content).digest("hex")}  ${path}\n`);
  return lines.toSorted((a, b) => (a.slice(34) < b.slice(34) ? -1 : 1)).join("");
}

/** KiB on a disk, as dpkg-gencontrol counts: each file by its whole blocks. */
function sizeOf(entries) {
  return entries.reduce((sum, { content = "" }) => sum + Math.max(1, Math.ceil(content.length / 1024)), 0);
}

/** Writes one package for each architecture into `out`, with `work` as scratch space. */
export function deb(release, out, work) {
  const { version, revision, maintainer, mtime } = release;
  for (const { deb: architecture, executable } of release.architectures) {
    const entries = [
      ...payload(executable, { zsh: "usr/share/zsh/vendor-completions/_cdi-hook" }),
      file(`${DOCUMENTS}/copyright`, template("deb/copyright")),
      document(`${DOCUMENTS}/NOTICE`, "NOTICE"),
      file(`${DOCUMENTS}/changelog.gz`, gzip(document("", "CHANGELOG.md").content)),
      file(`${DOCUMENTS}/changelog.Debian.gz`, gzip(changelog(release))),
    ];
    const control = fill(template("deb/control"), {
      VERSION: version,
      REVISION: revision,
      ARCHITECTURE: architecture,
      MAINTAINER: maintainer,
      SIZE: String(sizeOf(entries)),
    });
    const tree = join(work, `deb-${architecture}`);
    const own = [
      file("DEBIAN/control", control),
      file("DEBIAN/md5sums", md5sums(entries)),
      ...SCRIPTS.map((name) => file(`DEBIAN/${name}`, template(`deb/${name}`), 0o755)),
    ];
    lay([...entries, ...own], tree, mtime);
    const made = join(out, `cdi-hook_${version}-${revision}_${architecture}.deb`);
    run("dpkg-deb", ["--root-owner-group", "-Zxz", "--build", tree, made], {
      env: { SOURCE_DATE_EPOCH: String(mtime), DPKG_DEB_THREADS_MAX: "1" },
    });
  }
}
