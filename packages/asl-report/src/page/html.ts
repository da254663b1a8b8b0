/** A piece of HTML that is safe to put into a page. */
export interface Html {
  readonly html: string;
}

type Content = Html | string | number | readonly Content[];

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** HTML from a template: text and numbers that are put in are escaped, pieces of HTML and lists of them are not. */
export function html(strings: TemplateStringsArray, ...contents: readonly Content[]): Html {
  return { html: strings.map((text, index) => (index === 0 ? text : render(contents[index - 1]!) + text)).join("") };
}

/** For the page's own style sheet and script, which hold no data. */
export function trusted(text: string): Html {
  return { html: text };
}

function render(content: Content): string {
  if (typeof content === "string") return content.replaceAll(/[&<>"']/g, (character) => ENTITIES[character]!);
  if (typeof content === "number") return String(content);
  return "html" in content ? content.html : content.map(render).join("");
}
