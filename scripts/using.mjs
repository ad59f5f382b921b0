// esbuild's functions for `using` in the executable's modules, made shorter.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * esbuild's two functions for `using`, and what stands for them: they know `await using` as well and make three closures each
 * time, 10,000 instructions instead of 3,000. `stack` holds what is to be disposed of.
 */
const USING = [
  [
    /=\((\w+),(\w+),\w+\)=>\{if\(\2!=null\)\{typeof \2!="object".*?return \2\}/,
    "=(stack,value)=>(value!=null&&stack.push(value),value)",
  ],
  [
    /=\(\w+,\w+,\w+\)=>\{var \w+=typeof SuppressedError==.*?return \w+\(\)\}/,
    "=(stack,error,failed)=>{while(stack.length>0)try{stack.pop()[Symbol.dispose]()}catch(e){error=failed?" +
      'Object.assign(Error("An error was suppressed during disposal"),{name:"SuppressedError",error:e,suppressed:error})' +
      ":e,failed=!0}if(failed)throw error}",
  ],
];

/** A module as esbuild minifies it, with the shorter functions; undefined when it does not define them. */
export function withShortUsing(text) {
  if (!text.includes("SuppressedError")) return undefined;
  return USING.reduce((before, [theirs, ours]) => {
    const after = before.replace(theirs, () => ours);
    if (after === before) throw new Error(`esbuild's function for using is another one: ${theirs}`);
    return after;
  }, text);
}

/** Shortens them in the one module of a folder that defines them. */
export function shortenUsing(folder) {
  const shortened = readdirSync(folder).filter((name) => {
    const text = name.endsWith(".js") ? withShortUsing(readFileSync(join(folder, name), "utf8")) : undefined;
    if (text !== undefined) writeFileSync(join(folder, name), text);
    return text !== undefined;
  });
  if (shortened.length !== 1) throw new Error(`${shortened.length} modules define esbuild's functions for using`);
}
