import type { Scalar } from "./node.ts";

/** What a scalar is to a reader. */
export type ScalarType = "string" | "integer" | "float" | "boolean" | "null";

const booleans = /^(?:y|Y|yes|Yes|YES|on|On|ON|true|True|TRUE|n|N|no|No|NO|off|Off|OFF|false|False|FALSE)$/;
const nulls = /^(?:~|null|Null|NULL|)$/;
const integer = /^[-+]?(?:0[xX][0-9a-fA-F_]+|0b[01_]+|0o?[0-7_]+|[1-9][0-9_]*|0)$/;
const float =
  /^[-+]?(?:\.[0-9]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?$|^[-+]?\.(?:inf|Inf|INF)$|^\.(?:nan|NaN|NAN)$/;

/** The type that go-yaml v2, which CDI's readers use, sees in a scalar: YAML 1.1 for plain ones, else text. */
export function typeOf({ style, tagged, value }: Scalar): ScalarType {
  if (style !== "plain" || tagged) return "string";
  if (nulls.test(value)) return "null";
  if (booleans.test(value)) return "boolean";
  if (integer.test(value)) return "integer";
  return float.test(value) ? "float" : "string";
}

/**
 * The text that such a reader takes a scalar for where it wants text: numbers and truth values are written anew, so that
 * an unquoted `0755` is `493`, and nothing is "".
 */
export function textOf(scalar: Scalar): string {
  const { value } = scalar;
  switch (typeOf(scalar)) {
    case "string":
      return value;
    case "null":
      return "";
    case "boolean":
      return /^[yYoOtT](?![fF])/.test(value) ? "true" : "false";
    case "integer":
      return integerText(value);
    case "float": {
      const number = Number(value.replaceAll("_", ""));
      return Number.isFinite(number) ? String(number) : value;
    }
  }
}

function integerText(written: string): string {
  const digits = written.replaceAll("_", "").replace(/^\+/, "");
  const sign = digits.startsWith("-") ? "-" : "";
  const size = digits.slice(sign.length);
  return sign + BigInt(/^0[0-7]+$/.test(size) ? `0o${size.slice(1)}` : size).toString();
}

/** The number that a scalar is; undefined when it is none. */
export function numberOf(scalar: Scalar): number | undefined {
  const type = typeOf(scalar);
  return type === "integer" || type === "float" ? Number(textOf(scalar)) : undefined;
}
