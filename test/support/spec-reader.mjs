// Reads files of directories again and again, as a CDI reader beside may, and remembers every content that it met.
//   node spec-reader.mjs DIRECTORY...   until stdin ends; then prints {path: [content, ...]} as JSON
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

const directories = process.argv.slice(2);
const met = {};
let ended = false;
process.stdin.on("end", () => {
  ended = true;
});
process.stdin.resume();

function look(directory) {
  let names = [];
  try {
    names = readdirSync(directory).filter((name) => /\.(?:json|yaml)$/.test(name));
  } catch {
    return;
  }
  for (const name of names) {
    const path = join(directory, name);
    try {
      const content = readFileSync(path, "utf8");
      (met[path] ??= new Set()).add(content);
    } catch {
      // As its writer left it: absent.
    }
  }
}

function round() {
  for (let times = 0; times < 20; times++) for (const directory of directories) look(directory);
  if (!ended) setImmediate(round);
  else console.log(JSON.stringify(Object.fromEntries(Object.entries(met).map(([path, texts]) => [path, [...texts]]))));
}

console.log("reading");
round();
