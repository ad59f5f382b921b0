// Private members become members with names of their own: for each use of one the engine fetches the class' symbol for it,
// and for a method also looks for the class' mark on the object. TypeScript has seen to it that nobody else uses them.
// docs/adr/0021-engine-fast-paths.md
import { readFileSync } from "node:fs";
import { relative } from "node:path";
import { Visitor, parseSync } from "oxc-parser";

/** What the made names begin with; esbuild makes short ones of them. */
export const PRIVATE = /^\$private_/;

/** The text of a module with each `#name` as a name that no other class has. */
export function withoutPrivateNames(path, text) {
  const uses = [];
  const classes = [];
  const enter = ({ start, body }) => {
    const names = body.body.flatMap(({ key }) => (key?.type === "PrivateIdentifier" ? [key.name] : []));
    classes.push({ id: `${path.replaceAll(/\W/g, "_")}_${start}`, names: new Set(names) });
  };
  const leave = () => classes.pop();
  new Visitor({
    ClassDeclaration: enter,
    ClassExpression: enter,
    "ClassDeclaration:exit": leave,
    "ClassExpression:exit": leave,
    BinaryExpression({ left }) {
      if (left.type === "PrivateIdentifier") throw new Error(`${path}: "#${left.name} in" needs a private name`);
    },
    PrivateIdentifier({ name, start, end }) {
      const { id } = classes.findLast(({ names }) => names.has(name));
      uses.push({ start, end, made: `$private_${id}_${name}` });
    },
  }).visit(parseSync(path, text).program);
  let rest = 0;
  const parts = uses
    .toSorted((a, b) => a.start - b.start)
    .map(({ start, end, made }) => {
      const part = text.slice(rest, start) + made;
      rest = end;
      return part;
    });
  return parts.join("") + text.slice(rest);
}

/** esbuild's plugin for our own modules. */
export const privateNames = {
  name: "private-names",
  setup(bundler) {
    const top = bundler.initialOptions.absWorkingDir;
    bundler.onLoad({ filter: /\.ts$/ }, ({ path }) => ({
      contents: withoutPrivateNames(relative(top, path), readFileSync(path, "utf8")),
      loader: "ts",
    }));
  },
};
