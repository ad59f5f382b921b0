const lineLength = 76;

/** Text for a line of man(7): what roff would take for its own is escaped, and each hyphen is one that can be copied. */
export function escaped(text: string): string {
  return text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replaceAll('"', "\\(dq").replaceAll("'", "\\(aq");
}

/** A paragraph's lines, none much longer than a line of a terminal; words between stars are italic, \`such\` are bold. */
export function filled(text: string): string {
  const lines: string[] = [];
  let line = "";
  for (const word of marked(escaped(text)).split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (longer.length > lineLength && line !== "") {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  return [...lines, line].map((each) => (/^[.']/.test(each) ? `\\&${each}` : each)).join("\n");
}

function marked(text: string): string {
  return text.replaceAll(/`([^`]+)`/g, "\\fB$1\\fR").replaceAll(/\*([^*]+)\*/g, "\\fI$1\\fR");
}

/** Lines that are shown as they are. */
export function literal(lines: readonly string[]): string {
  return [".EX", ...lines.map((line) => escaped(line).replace(/^[.']/, "\\&$&")), ".EE"].join("\n");
}

/** A section with its paragraphs. */
export function section(title: string, ...paragraphs: readonly string[]): string {
  return [`.SH ${title}`, ...paragraphs.map((text, at) => separated(text, at === 0))].join("\n");
}

/** A part of a section. */
export function subsection(title: string, ...paragraphs: readonly string[]): string {
  return [`.SS ${escaped(title)}`, ...paragraphs.map((text, at) => separated(text, at === 0))].join("\n");
}

/** A term, whose words may be marked as in `filled`, and what is to be said of it. */
export function tagged(term: string, text: string): string {
  return `.TP\n${marked(escaped(term))}\n${filled(text)}`;
}

/** Macros that begin a paragraph do it by themselves. */
function separated(text: string, first: boolean): string {
  return first || /^\.(?:TP|SS)/.test(text) ? text : `.PP\n${text}`;
}
