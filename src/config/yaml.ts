import { type Document, LineCounter, parseDocument } from "yaml";
import { invalidConfig } from "./problem.js";

/** The document of a file, with its comments. Throws `INVALID_CONFIG` with the places of what is wrong. */
export function parseYaml(path: string, text: string): Document {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false });
  if (document.errors.length === 0) return document as Document;
  const problems = document.errors.map(({ pos, code }) => {
    const { line, col } = lineCounter.linePos(pos[0]);
    return { path: [`line ${line}, column ${col}`], text: `it is not valid YAML (${code})` };
  });
  throw invalidConfig(path, problems);
}
