// A tar archive whose bytes depend on its entries alone.
import { gzipSync } from "node:zlib";

const BLOCK = 512;
const TYPES = { file: "0", link: "2", directory: "5" };

/** POSIX ustar: a path of up to 100 bytes, or one that splits at a slash into up to 155 and 100. */
function split(path) {
  if (path.length <= 100) return { name: path, prefix: "" };
  const slash = path.lastIndexOf("/", 155);
  const [prefix, name] = [path.slice(0, slash), path.slice(slash + 1)];
  if (slash < 1 || name.length > 100) throw new Error(`${path} is too long for a tar archive`);
  return { name, prefix };
}

function header({ path, type, mode, size, target = "", mtime }) {
  const block = Buffer.alloc(BLOCK);
  const { name, prefix } = split(type === "directory" ? `${path}/` : path);
  const octal = (value, offset, length) => block.write(value.toString(8).padStart(length - 1, "0"), offset);
  block.write(name, 0);
  octal(mode, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(mtime, 136, 12);
  block.write("        ", 148);
  block.write(TYPES[type], 156);
  block.write(target, 157);
  block.write("ustar\x0000", 257);
  block.write(prefix, 345);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}

/**
 * A tar archive of `entries`, `{ path, mode, content }` for a file and `{ path, target }` for a symbolic link, in the order
 * of their names, each folder before what is in it; everything is root's and `mtime` (seconds) old.
 */
export function tar(entries, mtime) {
  const blocks = [];
  const folders = new Set();
  const sorted = entries.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  for (const { path, mode, content, target } of sorted) {
    const parts = path.split("/").slice(0, -1);
    for (const index of parts.keys()) {
      const folder = parts.slice(0, index + 1).join("/");
      if (folders.has(folder)) continue;
      folders.add(folder);
      blocks.push(header({ path: folder, type: "directory", mode: 0o755, size: 0, mtime }));
    }
    if (target !== undefined) {
      blocks.push(header({ path, type: "link", mode: 0o777, size: 0, target, mtime }));
      continue;
    }
    const bytes = Buffer.from(content);
    blocks.push(header({ path, type: "file", mode, size: bytes.length, mtime }), bytes);
    blocks.push(Buffer.alloc(-bytes.length & (BLOCK - 1)));
  }
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)]);
}

/** gzip's best, without a name and a time. */
export const gzip = (bytes) => gzipSync(bytes, { level: 9 });
