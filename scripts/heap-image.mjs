// The image of the heap that an executable starts from: what the engine has once the modules of the hooks are evaluated.
// docs/adr/0022-heap-image.md says why; bin/host.c has the other half.
import { spawnSync } from "node:child_process";
import { openSync, readFileSync, writeFileSync, writeSync, closeSync } from "node:fs";
import { join } from "node:path";
import { run } from "./quickjs.mjs";

const EMULATORS = { x86_64: "qemu-x86_64", arm64: "qemu-aarch64", riscv64: "qemu-riscv64" };

/** Where the executable writes its heap from: addresses that nothing else in it looks like. */
const BASES = [0x2a5a_0000_0000n, 0x3c66_0000_0000n];

/** bin/host.c: Stage. */
const IS_WRITTEN = 1n;
const STARTS_WARM = 2n;

/** bin/host.c: the first words of Heap. */
const STAGE = 0;
const BASE = 1;
const END = 2;

/**
 * How many words are neither addresses within the executable nor the same each time: the first stack frame and the limit
 * of the stack, which are set anew at a start, and the seed of Math.random.
 */
const OF_THE_MOMENT = 3;

/**
 * Whether an executable can have an image: not with glibc, which relocates a static executable as if it were linked at 0,
 * wherever that is, and not where no program of its architecture can run.
 */
export function mayHaveHeapImage(tools) {
  return tools.libc === "musl" && emulatorFor(tools) !== undefined;
}

/** Puts the image into an executable that was linked from `objects`, of which bin/host.c is compiled with HEAP_IMAGE. */
export function putHeapImage(tools, objects, executable, work) {
  const emulator = emulatorFor(tools);
  const [heap, other] = BASES.map((base) => heapAt(base, tools, objects, work, emulator));
  const addresses = makeRelative(heap, other);
  updateSections(tools, executable, work, { ".heap": heap, ".heap_addresses": addresses });
}

/** The words to put before a program of that architecture to run it. */
function emulatorFor({ arch, native }) {
  if (arch === native) return [];
  const names = [`${EMULATORS[arch]}-static`, EMULATORS[arch]];
  const found = names.find((name) => !spawnSync(name, ["--version"]).error);
  return found && [found];
}

/** What the section `.heap` holds when the executable runs at an address, as 64-bit words. */
function heapAt(base, tools, objects, work, emulator) {
  const writer = join(work, "heap-writer");
  tools.link(objects, writer, [`-Wl,-Ttext-segment=0x${base.toString(16)}`]);
  pinDown(writer);
  updateSections(tools, writer, work, { ".heap": stage(IS_WRITTEN, sizeOf(".heap", tools, writer, work)) });
  const [program, ...args] = [...emulator, writer];
  const done = spawnSync(program, args, { env: {}, maxBuffer: 16 << 20 });
  if (done.error || done.status !== 0) {
    const why = done.error ?? `${done.stderr} (does all fit into the first step of bin/host.c?)`;
    throw new Error(`${writer}: ${why}`);
  }
  return new BigUint64Array(
    done.stdout.buffer.slice(done.stdout.byteOffset, done.stdout.byteOffset + done.stdout.length),
  );
}

/** Makes a position independent executable one that the kernel puts where it was linked for: ELF's e_type ET_EXEC. */
function pinDown(executable) {
  const file = openSync(executable, "r+");
  writeSync(file, Uint8Array.of(2, 0), 0, 2, 16);
  closeSync(file);
}

function stage(value, length) {
  const heap = new BigUint64Array(length / 8);
  heap[STAGE] = value;
  return heap;
}

function objcopy(tools, ...args) {
  return run(run(tools.compiler, ["-print-prog-name=objcopy"]).trim(), args);
}

function sizeOf(section, tools, executable, work) {
  const dumped = join(work, "section");
  objcopy(tools, "--dump-section", `${section}=${dumped}`, executable, join(work, "unused"));
  return readFileSync(dumped).length;
}

function updateSections(tools, executable, work, sections) {
  const changes = Object.entries(sections).map(([name, words], index) => {
    const file = join(work, `section-${index}`);
    writeFileSync(file, words);
    return `--update-section=${name}=${file}`;
  });
  objcopy(tools, ...changes, executable);
}

/**
 * Makes the addresses in a heap relative to where the executable begins, and marks their words with a bit each. What was
 * taken for an address has to have moved in the other heap, and everything else has to be the same there.
 *
 * @param {BigUint64Array} heap
 * @param {BigUint64Array} other
 */
function makeRelative(heap, other) {
  const base = heap[BASE];
  const moved = other[BASE] - base;
  const isAddress = (word) => word >= base && word < heap[END];
  if (heap.length !== other.length || moved !== BASES[1] - BASES[0])
    throw new Error("the heap was not written at its addresses");
  const addresses = new BigUint64Array(heap.length / 64);
  let differing = 0;
  for (let at = END + 1; at < heap.length; at += 1) {
    const word = heap[at];
    if (isAddress(word)) {
      if (other[at] !== word + moved) throw new Error(`word ${at} of the heap looks like an address and is none`);
      addresses[at >> 6] |= 1n << BigInt(at & 63);
      heap[at] = word - base;
    } else if (word !== other[at]) {
      differing += 1;
      heap[at] = 1n;
    }
  }
  if (differing > OF_THE_MOMENT) throw new Error(`${differing} words of the heap differ from run to run`);
  heap[STAGE] = STARTS_WARM;
  heap[BASE] = heap[END] = 0n;
  return addresses;
}
