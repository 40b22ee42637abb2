// Puts on the theme before anything is drawn, then starts the app.
const saved = (() => {
  try {
    return localStorage.getItem("berth.theme");
  } catch {
    return null;
  }
})();
const dark = saved === "dark" || (saved !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
document.documentElement.dataset.theme = dark ? "dark" : "light";

// The program comes while the scripts are still on their way.
const program = fetch(new URL("berth_ui_bg.wasm", import.meta.url));
program.catch(() => {});

let loaded;
let failures = 0;
const loadTerminal = () => {
  // A browser may remember that a script did not come; by another name it is asked for again.
  loaded ??= import(`./terminal.js${failures ? `?${failures}` : ""}`).catch((error) => {
    loaded = undefined;
    failures += 1;
    throw error;
  });
  return loaded;
};
globalThis.berthLoadTerminal = loadTerminal;

try {
  const [{ default: init }] = await Promise.all([import("./berth_ui.js"), import("./message.js")]);
  await init({ module_or_path: program });
  // The first terminal then opens at once.
  setTimeout(() => loadTerminal().catch(() => {}), 1000);
} catch (error) {
  console.error(error);
  const splash = document.getElementById("splash");
  if (splash) {
    splash.textContent =
      "Berth could not start in this browser. It needs WebAssembly and a browser of 2024 or newer. " +
      "The browser's console says what is missing.";
  }
}
