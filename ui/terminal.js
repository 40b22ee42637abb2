// What draws a terminal. It is the largest script, so the page begins without it.
import { Terminal } from "./xterm.js";
import { FitAddon } from "./addon-fit.js";
import { SearchAddon } from "./addon-search.js";
import { Unicode11Addon } from "./addon-unicode11.js";
import { WebLinksAddon } from "./addon-web-links.js";

globalThis.berthTerminal = { Terminal, FitAddon, SearchAddon, Unicode11Addon, WebLinksAddon };
