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

// The program comes and is compiled while the scripts are still on their way.
const program = fetch(new URL("berth_ui_bg.wasm", import.meta.url));
program.catch(() => {});

const loadTerminal = () => import("./terminal.js");
globalThis.berthLoadTerminal = loadTerminal;

try {
  const { default: init } = await import("./berth_ui.js");
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
