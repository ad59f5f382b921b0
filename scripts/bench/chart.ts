import { type Measured, sampleName } from "./measure.ts";
import type { Field, Tool } from "./tools.ts";

const colours: Record<Tool["key"], string> = {
  ours: "#1a7f5a",
  "ours together": "#57b894",
  "ours applied": "#9fd6bf",
  nvidia: "#8a8f98",
  "ldconfig -r -X": "#c7a252",
  "chroot ldconfig": "#e0cb99",
};
const width = 860;
const labelWidth = 270;
const barHeight = 15;
const groupGap = 16;

interface Group {
  label: string;
  bars: readonly { key: Tool["key"]; value: number }[];
}

/** Horizontal bars in milliseconds, in groups of one scale each: the longest bar of a group fills the line. */
export function chart(field: Field, small: Measured, large: Measured): string {
  const [ours, ...others] = field.tools;
  const tools = ours === undefined ? others : [ours, ...field.together, ...others];
  const group = (label: string, { times }: Measured, step: string): Group => ({
    label,
    bars: tools
      .filter(({ key }) => times.has(sampleName(key, step)))
      .map(({ key }) => ({ key, value: times.median(sampleName(key, step)) })),
  });
  const groups = [
    group("noop", small, "noop"),
    group("create-symlinks, 5 links", small, "create-symlinks"),
    group(`update-ldcache, ${small.root.entries} libraries`, small, "update-ldcache"),
    group("… second start", small, "update-ldcache again"),
    group(`all hooks of a start, ${small.root.entries} libraries`, small, "chain"),
    group(`update-ldcache, ${large.root.entries} libraries`, large, "update-ldcache"),
    group("… second start", large, "update-ldcache again"),
  ];
  const parts: string[] = [];
  let top = 78;
  for (const { label, bars } of groups) {
    const longest = Math.max(...bars.map(({ value }) => value));
    const middle = top + (bars.length * barHeight) / 2 + 4;
    parts.push(`<text x="${labelWidth - 10}" y="${middle}" text-anchor="end">${label}</text>`);
    for (const { key, value } of bars) {
      const length = Math.max(1, (value / longest) * (width - labelWidth - 90));
      const weight = key === "ours" ? ' font-weight="bold"' : "";
      parts.push(
        `<rect x="${labelWidth}" y="${top + 1}" width="${length.toFixed(1)}" height="${barHeight - 2}" rx="2" fill="${colours[key]}"/>`,
        `<text x="${(labelWidth + length + 6).toFixed(1)}" y="${top + 12}" font-size="11"${weight}>${value.toFixed(2)} ms</text>`,
      );
      top += barHeight;
    }
    top += groupGap;
  }
  let left = labelWidth;
  const legend = tools.flatMap(({ key, name }) => {
    const at = left;
    left += 26 + name.length * 6.4;
    return [
      `<rect x="${at}" y="44" width="11" height="11" rx="2" fill="${colours[key]}"/>`,
      `<text x="${at + 16}" y="54" font-size="12">${name}</text>`,
    ];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${top}" font-family="sans-serif" font-size="13" fill="#1f2328">`,
    `<rect width="${width}" height="${top}" fill="#ffffff"/>`,
    '<text x="20" y="26" font-size="16" font-weight="bold">Whole processes, median milliseconds (each group has its own scale)</text>',
    ...legend,
    ...parts,
    "</svg>",
    "",
  ].join("\n");
}
