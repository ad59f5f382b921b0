/** Archives field by field, as no honest program writes them. */

export interface ForgedMember {
  readonly name: string;
  /** The type flag; `0` unless given. */
  readonly type?: string;
  readonly linkName?: string;
  readonly content?: string | Uint8Array;
  readonly mode?: number;
  readonly uid?: number;
  readonly mtime?: number;
  /** Number of the size field in the place of the content's. */
  readonly size?: number;
  /** Raw bytes over the header, by offset, before its checksum is made. */
  readonly raw?: Readonly<Record<number, string>>;
  /** Instead of the right checksum. */
  readonly checksum?: string;
  /** Records of a pax header before it. */
  readonly pax?: Readonly<Record<string, string>>;
}

const bytesOf = (content: string | Uint8Array): Buffer =>
  typeof content === "string" ? Buffer.from(content, "latin1") : Buffer.from(content);

const padded = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);

/** Records as a pax header has them. */
export function paxRecords(records: Readonly<Record<string, string>>): string {
  return Object.entries(records)
    .map(([keyword, value]) => {
      const rest = ` ${keyword}=${value}\n`;
      let length = rest.length + 1;
      while (`${length}${rest}`.length !== length) length += 1;
      return `${length}${rest}`;
    })
    .join("");
}

/** The bytes of one member. */
export function forgedMember(member: ForgedMember): Buffer {
  const { name, type = "0", linkName = "", content = "", mode = 0o644, uid = 0, mtime = 0, raw = {} } = member;
  const body = bytesOf(content);
  const header = Buffer.alloc(512);
  const put = (at: number, text: string, length: number): void => {
    header.write(text.slice(0, length), at, "latin1");
  };
  const octal = (value: number, digits: number): string => value.toString(8).padStart(digits, "0");
  put(0, name, 100);
  put(100, octal(mode, 7), 8);
  put(108, octal(uid, 7), 8);
  put(116, octal(0, 7), 8);
  put(124, octal(member.size ?? body.length, 11), 12);
  put(136, octal(mtime, 11), 12);
  put(148, " ".repeat(8), 8);
  put(156, type, 1);
  put(157, linkName, 100);
  put(257, "ustar\x0000", 8);
  for (const [at, text] of Object.entries(raw)) put(Number(at), text, 512);
  const sum = header.reduce((total, byte) => total + byte, 0);
  put(148, member.checksum ?? `${octal(sum, 6)}\0 `, 8);
  const pax =
    member.pax === undefined ? [] : [forgedMember({ name: "pax", type: "x", content: paxRecords(member.pax) })];
  return Buffer.concat([...pax, header, padded(body)]);
}

/** A whole archive. */
export function forgedTar(members: readonly ForgedMember[]): Buffer {
  return Buffer.concat([...members.map(forgedMember), Buffer.alloc(1024)]);
}
