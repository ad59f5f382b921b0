import * as fc from "fast-check";

/** A change of some bytes. Positions are fractions of the length, so that a mutation fits whatever it is applied to. */
export type Mutation =
  | { readonly kind: "set"; readonly at: number; readonly value: number }
  | { readonly kind: "word"; readonly at: number; readonly size: number; readonly value: bigint }
  | { readonly kind: "cut"; readonly at: number }
  | { readonly kind: "drop"; readonly at: number; readonly length: number }
  | { readonly kind: "repeat"; readonly at: number; readonly length: number; readonly times: number }
  | { readonly kind: "insert"; readonly at: number; readonly bytes: Uint8Array };

const position = fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 0.1, noNaN: true }));
const wildNumber = fc.oneof(
  fc.constantFrom(0n, 1n, 0x7fn, 0xffn, 0x7fffn, 0xffffn, 0x7fff_ffffn, 0x8000_0000n, 0xffff_ffffn, 0xffff_fff0n),
  fc.constantFrom(0x1_0000_0000n, 0x7fff_ffff_ffff_ffffn, 0x8000_0000_0000_0000n, 0xffff_ffff_ffff_ffffn, 1n << 53n),
  fc.bigInt({ min: 0n, max: 4096n }),
);

export const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("set" as const), at: position, value: fc.nat(255) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("word" as const),
      at: position,
      size: fc.constantFrom(2, 4, 8),
      value: wildNumber,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("cut" as const), at: position }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("drop" as const), at: position, length: fc.nat(64) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("repeat" as const),
      at: position,
      length: fc.nat(64),
      times: fc.nat(200),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("insert" as const),
      at: position,
      bytes: fc.uint8Array({ maxLength: 40 }),
    }),
  },
);

export function mutate(original: Uint8Array, mutations: readonly Mutation[]): Uint8Array {
  let bytes = Buffer.from(original);
  for (const change of mutations) {
    const at = Math.min(Math.floor(change.at * bytes.length), bytes.length);
    const [head, tail] = [bytes.subarray(0, at), bytes.subarray(at)];
    if (change.kind === "set" && tail.length > 0) bytes[at] = change.value;
    else if (change.kind === "word") setWord(bytes, at - (at % change.size), change.size, change.value);
    else if (change.kind === "cut") bytes = Buffer.from(head);
    else if (change.kind === "drop") bytes = Buffer.concat([head, tail.subarray(change.length)]);
    else if (change.kind === "repeat") {
      bytes = Buffer.concat([
        head,
        ...Array.from({ length: change.times }, () => tail.subarray(0, change.length)),
        tail,
      ]);
    } else if (change.kind === "insert") bytes = Buffer.concat([head, change.bytes, tail]);
  }
  return new Uint8Array(bytes);
}

function setWord(bytes: Buffer, at: number, size: number, value: bigint): void {
  for (let index = 0; index < size && at + index < bytes.length; index += 1) {
    bytes[at + index] = Number((value >> BigInt(8 * index)) & 0xffn);
  }
}

/** `original`, changed up to a few times. */
export function mutated(original: fc.Arbitrary<Uint8Array>, most = 6): fc.Arbitrary<Uint8Array> {
  return fc
    .tuple(original, fc.array(mutation, { maxLength: most }))
    .map(([bytes, mutations]) => mutate(bytes, mutations));
}
