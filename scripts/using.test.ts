import { transformSync } from "esbuild";
import { expect, test } from "vitest";

const script = new URL("./using.mjs", import.meta.url).href;
const { withShortUsing } = (await import(script)) as { withShortUsing: (text: string) => string | undefined };

/** What the text says of itself in `said`, minified as the bundle is, with esbuild's own functions and with ours. */
async function bothWays(body: string): Promise<unknown[]> {
  const source = `const said = []; const held = (name, fails) => ({ [Symbol.dispose]() { said.push(name); if (fails) throw Error(name); } });
    const told = (e) => [e.name, e.message, e.error && told(e.error), e.suppressed && told(e.suppressed)];
    try { ${body} } catch (e) { said.push(told(e)); }
    globalThis.answer = said;`;
  const { code } = transformSync(source, { minify: true, target: "es2023" });
  const short = withShortUsing(code);
  expect(short?.length).toBeLessThan(code.length);
  const answers: unknown[] = [];
  for (const text of [code, short ?? ""]) {
    await import(`data:text/javascript,${encodeURIComponent(text)}`);
    answers.push((globalThis as { answer?: unknown }).answer);
  }
  return answers;
}

test.each([
  "{ using a = held(1), b = held(2), c = null; said.push(0); }",
  "{ using a = held(1); throw Error('x'); }",
  "{ using a = held(1, true); }",
  "{ using a = held(1), b = held(2, true), c = held(3, true); throw Error('x'); }",
  "said.push((() => { using a = held(1); { using b = held(2); } return 5; })());",
  "for (const each of [1, 2]) { using a = held(each); if (each === 1) continue; said.push('last'); }",
])("using: %s", async (body) => {
  const [theirs, ours] = await bothWays(body);
  expect(ours).toEqual(theirs);
  expect(ours).not.toEqual([]);
});

test("a module without them stays as it is", () => {
  expect(withShortUsing("let a=1;")).toBeUndefined();
});
