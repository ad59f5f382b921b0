const DIGIT_0 = 48;
const DIGIT_9 = 57;

/**
 * Compares two names as glibc's `_dl_cache_libcmp` does: byte by byte, but runs of digits as numbers, and a digit is
 * above anything else, the end of a name included. A run counts modulo 2^32, as a signed number. Negative, zero or
 * positive like the difference; zero for some names that are not the same (`x.01`, `x.1`), and not transitive where a
 * number exceeds 2^31.
 *
 * @param charSigned whether the target's `char` is signed, so that bytes above 127 are below everything else
 */
export function compareNames(p: string, q: string, charSigned: boolean): number {
  let atP = 0;
  let atQ = 0;
  while (atP < p.length) {
    let a = p.charCodeAt(atP);
    // NaN behind the end: no comparison holds.
    let b = q.charCodeAt(atQ);
    if (a >= DIGIT_0 && a <= DIGIT_9) {
      if (!(b >= DIGIT_0 && b <= DIGIT_9)) return 1;
      let numberP = 0;
      let numberQ = 0;
      do {
        numberP = (Math.imul(numberP, 10) + a - DIGIT_0) | 0;
        atP += 1;
        a = p.charCodeAt(atP);
      } while (a >= DIGIT_0 && a <= DIGIT_9);
      do {
        numberQ = (Math.imul(numberQ, 10) + b - DIGIT_0) | 0;
        atQ += 1;
        b = q.charCodeAt(atQ);
      } while (b >= DIGIT_0 && b <= DIGIT_9);
      if (numberP !== numberQ) return (numberP - numberQ) | 0;
    } else if (b >= DIGIT_0 && b <= DIGIT_9) {
      return -1;
    } else if (a === b) {
      atP += 1;
      atQ += 1;
    } else {
      return character(a, charSigned) - character(b, charSigned);
    }
  }
  return 0 - character(q.charCodeAt(atQ), charSigned);
}

/** A byte as the target's `char`; the end of a name is 0. */
function character(code: number, charSigned: boolean): number {
  if (Number.isNaN(code)) return 0;
  return charSigned && code > 127 ? code - 256 : code;
}
