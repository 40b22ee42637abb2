// Markdown of messages as safe HTML, in blocks: a message that grows redraws only its last one.
//
// What an agent writes is not trusted: raw HTML is shown as text, links lead only to the web and images
// become links.
import { Marked } from "./marked.js";

// Longer texts, and paragraphs, are shown as they are: some take time that grows with the square of
// their length, and the page would stand still.
const LONGEST = 400_000;
const LONGEST_PARAGRAPH = 20_000;

const escape = (text) =>
  text.replace(/[&<>"]/g, (sign) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[sign]);

const isWeb = (address) => /^https?:\/\//i.test(address.trim());

const link = (address, words) =>
  isWeb(address)
    ? `<a rel="noreferrer noopener" href="${escape(address.trim())}">${words}</a>`
    : `<a class="md-dead" title="${escape(address)}">${words}</a>`;

let copyLabel = "";

const marked = new Marked({
  gfm: true,
  renderer: {
    html: ({ text }) => escape(text),
    // Two levels lower: the page has headings of its own.
    heading({ tokens, depth }) {
      const name = `h${Math.min(depth + 2, 6)}`;
      return `<${name}>${this.parser.parseInline(tokens)}</${name}>`;
    },
    link({ href, tokens }) {
      return link(href, this.parser.parseInline(tokens));
    },
    image: ({ href, text }) => link(href, escape(text || href)),
    checkbox: ({ checked }) => (checked ? "☑ " : "☐ "),
    code: ({ text, lang }) =>
      `<div class="md-code"><div class="md-code-bar"><span>${escape(lang ?? "")}</span>` +
      `<button type="button" class="md-copy" data-copy-code>${escape(copyLabel)}</button></div>` +
      `<pre tabindex="0"><code>${escape(text)}\n</code></pre></div>`,
    table(token) {
      const row = (cells, name) =>
        `<tr>${cells.map((cell) => `<${name}>${this.parser.parseInline(cell.tokens)}</${name}>`).join("")}</tr>`;
      const rows = token.rows.map((cells) => row(cells, "td")).join("");
      return `<div class="md-table"><table><thead>${row(token.header, "th")}</thead><tbody>${rows}</tbody></table></div>`;
    },
  },
});

// The blocks of a text, each as HTML of its own.
globalThis.berthMarkdown = (source, label) => {
  copyLabel = label;
  const plain = (text) => `<pre class="plain">${escape(text)}</pre>`;
  const paragraphs = source.split(/\n\s*\n/);
  if (source.length > LONGEST || paragraphs.some(({ length }) => length > LONGEST_PARAGRAPH)) {
    return [plain(source)];
  }
  try {
    const tokens = marked.lexer(source);
    return tokens
      .filter((token) => token.type !== "space" && token.type !== "def")
      .map((token) => marked.parser([token]).trim());
  } catch {
    // A text that is not understood is shown as it is.
    return [plain(source)];
  }
};

// Draws HTML, and leaves open what somebody has opened.
globalThis.berthDraw = (element, html) => {
  const open = [...element.querySelectorAll("details")].map((details) => details.open);
  element.innerHTML = html;
  element.querySelectorAll("details").forEach((details, at) => {
    details.open ||= open[at] ?? false;
  });
};
