// TypeScript to the modules that the executable carries.
import { build } from "esbuild";
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Stand-ins for Node's modules that libraries of the people's bundle import: src/cli/shims/NAME.ts. */
function nodeModules(top) {
  const folder = join(top, "src/cli/shims");
  const alias = {};
  if (existsSync(folder)) {
    for (const file of readdirSync(folder).filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))) {
      alias[`node:${file.slice(0, -3)}`] = join(folder, file);
      alias[file.slice(0, -3)] = join(folder, file);
    }
  }
  return alias;
}

/**
 * The executable's modules: `hooks` is evaluated at every start; `linker` (all of ldconfig), `mount` (what mounts) and
 * `people` (commands for people, with their libraries) when src/part.ts is asked for them. What they share is in chunks.
 * They are modules and not one function around everything, as the engine finds a captured variable of a function by
 * searching all of them.
 */
const ENTRIES = {
  hooks: "bin/cdi-hook.ts",
  linker: "src/hooks/linker.ts",
  mount: "src/rootfs/mount.ts",
  people: "src/cli/people-entry.ts",
};

/** Writes the modules NAME.js to `work`, and esbuild's metafile to `dist`. */
export async function bundle(top, dist, work) {
  for (const name of readdirSync(work)) if (name.endsWith(".js")) rmSync(join(work, name));
  const { version } = JSON.parse(readFileSync(join(top, "package.json"), "utf8"));
  const result = await build({
    entryPoints: ENTRIES,
    outdir: work,
    absWorkingDir: top,
    bundle: true,
    splitting: true,
    format: "esm",
    target: "es2023",
    platform: "neutral",
    mainFields: ["browser", "module", "main"],
    conditions: ["browser", "import", "default"],
    legalComments: "none",
    charset: "ascii",
    minify: true,
    metafile: true,
    // The engine is older than the symbol; esbuild's lowering of `using` looks for this one.
    banner: { js: 'Symbol.dispose??=Symbol.for("Symbol.dispose");' },
    define: { CDI_HOOK_VERSION: JSON.stringify(version) },
    alias: nodeModules(top),
  });
  writeFileSync(join(dist, "modules.meta.json"), JSON.stringify(result.metafile));
}
