// TypeScript to the modules that the executable carries.
import { build } from "esbuild";
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PRIVATE, privateNames } from "./private-names.mjs";

/** Stand-ins for Node's modules that libraries of the part `people` import: src/cli/shims/NAME.ts. */
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

/** What every start has evaluated. */
const START = "src/cli/hook-entry.ts";

/**
 * The parts of src/part.ts, evaluated when one is asked for: `suggest` is what a mistyped word may have meant, `json-log`
 * log lines as JSON, `people` the commands for people with their library, `manual` what tells all of them, `ldcache`,
 * `cdi`, `explain`, `install` and `uninstall` the work of those of these names, `simulation` a root to try it on,
 * `ldconfig` being that program, `image` a root that is an archive or an image, `cdi-edits` what CDI specs ask for,
 * `apply-output` what `apply` leaves besides the root, `runtime` being another runtime and `runtime-bundle` what is done
 * to a bundle before.
 */
const PARTS = {
  "cdi-edits": "src/apply/cdi-edits.ts",
  suggest: "src/cli/suggest.ts",
  people: "src/cli/people-entry.ts",
  "json-log": "src/cli/json-log-entry.ts",
  manual: "src/cli/manual-entry.ts",
  ldcache: "src/cli/ldcache-entry.ts",
  image: "src/cli/image-entry.ts",
  cdi: "src/cli/cdi-entry.ts",
  install: "src/install/install.ts",
  uninstall: "src/install/uninstall.ts",
  explain: "src/cli/ldcache/explain.ts",
  simulation: "src/cli/ldcache/simulation.ts",
  ldconfig: "src/cli/ldconfig-entry.ts",
  doctor: "src/install/doctor.ts",
  runtime: "src/cli/runtime.ts",
  "runtime-bundle": "src/cli/runtime-bundle.ts",
  "apply-output": "src/cli/apply-output.ts",
};

/**
 * The executable's modules: `hooks`, one for each part, and chunks of what they share. They are modules and not one
 * function around everything, as the engine finds a captured variable of a function by searching all of them.
 *
 * Each part imports the whole of START, whether it needs that or not, as it was evaluated before: so esbuild makes one
 * chunk of it. Otherwise it makes one for each set of parts that share something, and a start evaluates half a dozen.
 */
const ENTRIES = {
  hooks: "bin/cdi-hook.ts",
  ...Object.fromEntries(Object.keys(PARTS).map((name) => [name, `part:${name}`])),
};

const parts = {
  name: "parts",
  setup(bundler) {
    bundler.onResolve({ filter: /^part:/ }, ({ path }) => ({ path: path.slice("part:".length), namespace: "part" }));
    bundler.onLoad({ filter: /.*/, namespace: "part" }, ({ path }) => ({
      contents: `import "./${START}"; export * from "./${PARTS[path]}";`,
      resolveDir: bundler.initialOptions.absWorkingDir,
    }));
  },
};

/** Writes the modules NAME.js for an architecture, as host.c calls it, to `work`, and esbuild's metafile to `dist`. */
export async function bundle(top, dist, work, architecture) {
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
    define: { CDI_HOOK_VERSION: JSON.stringify(version), architecture: JSON.stringify(architecture) },
    alias: nodeModules(top),
    plugins: [parts, privateNames],
    mangleProps: PRIVATE,
  });
  writeFileSync(join(dist, "modules.meta.json"), JSON.stringify(result.metafile));
}
