// The two single-file bundles: hooks (part of every container start) and people (loaded when no hook is asked for).
import { build } from "esbuild";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
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

/** Writes hooks.js and people.js to `work`, their metafiles to `dist`. */
export async function bundle(top, dist, work) {
  const { version } = JSON.parse(readFileSync(join(top, "package.json"), "utf8"));
  const common = {
    absWorkingDir: top,
    bundle: true,
    format: "iife",
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
  };
  for (const [name, entry] of [
    ["hooks", "bin/cdi-hook.ts"],
    ["people", "src/cli/people-entry.ts"],
  ]) {
    const result = await build({ ...common, entryPoints: [join(top, entry)], outfile: join(work, `${name}.js`) });
    writeFileSync(join(dist, `${name}.meta.json`), JSON.stringify(result.metafile));
  }
}
