//! Everything beside the wasm: page, style sheet, scripts, fonts, icons.

use std::path::{Path, PathBuf};

use crate::error::{UiBuildError, io};
use crate::files_under;

/// The mark in `index.html` that the icons replace.
const ICONS: &str = "<!-- icons -->";

/// Third-party scripts, and their names in the output. WebKit insists on `.js` for its media type.
const SCRIPTS: [(&str, &str); 6] = [
    ("marked/lib/marked.esm.js", "marked.js"),
    ("@xterm/xterm/lib/xterm.mjs", "xterm.js"),
    ("@xterm/addon-fit/lib/addon-fit.mjs", "addon-fit.js"),
    (
        "@xterm/addon-search/lib/addon-search.mjs",
        "addon-search.js",
    ),
    (
        "@xterm/addon-web-links/lib/addon-web-links.mjs",
        "addon-web-links.js",
    ),
    (
        "@xterm/addon-unicode11/lib/addon-unicode11.mjs",
        "addon-unicode11.js",
    ),
];

/// Fonts; the Latin letters only, other scripts are drawn with the system's.
const FONTS: [&str; 3] = [
    "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2",
    "@fontsource/jetbrains-mono/files/jetbrains-mono-latin-400-normal.woff2",
    "@fontsource/jetbrains-mono/files/jetbrains-mono-latin-700-normal.woff2",
];

/// Licenses of what is copied, and their names in the output.
const LICENSES: [(&str, &str); 5] = [
    ("marked/LICENSE", "marked.txt"),
    ("@xterm/xterm/LICENSE", "xterm.txt"),
    ("@fontsource-variable/inter/LICENSE", "inter.txt"),
    ("@fontsource/jetbrains-mono/LICENSE", "jetbrains-mono.txt"),
    ("lucide-static/LICENSE", "lucide.txt"),
];

/// Files of the UI itself that are copied as they are.
const OWN: [&str; 4] = ["boot.js", "message.js", "terminal.js", "favicon.svg"];

/// Everything that the output is made from.
pub fn inputs(ui: &Path) -> Result<Vec<PathBuf>, UiBuildError> {
    let mut all = vec![
        ui.join("index.html"),
        ui.join("icons.txt"),
        ui.join("package-lock.json"),
    ];
    all.extend(OWN.map(|name| ui.join(name)));
    all.extend(style_sheets(ui)?);
    Ok(all)
}

/// Makes the output.
pub fn copy(ui: &Path, dist: &Path) -> Result<(), UiBuildError> {
    let modules = ui.join("node_modules");
    for (from, to) in SCRIPTS {
        let script = read(&modules.join(from))?;
        // Maps are not copied, and a browser's tools would complain that they are missing.
        let script: Vec<&str> = script
            .lines()
            .filter(|line| !line.starts_with("//# sourceMappingURL"))
            .collect();
        write(&dist.join(to), script.join("\n").as_bytes())?;
    }
    for name in OWN {
        write(&dist.join(name), read(&ui.join(name))?.as_bytes())?;
    }
    for font in FONTS {
        let from = modules.join(font);
        let name = from.file_name().unwrap_or_default();
        let bytes = io("read", &from, std::fs::read(&from))?;
        write(&dist.join("fonts").join(name), &bytes)?;
    }
    for (from, to) in LICENSES {
        write(
            &dist.join("licenses").join(to),
            read(&modules.join(from))?.as_bytes(),
        )?;
    }
    write(&dist.join("berth.css"), styles(ui, &modules)?.as_bytes())?;
    let page = read(&ui.join("index.html"))?.replace(ICONS, &icons(ui, &modules)?);
    write(&dist.join("index.html"), page.as_bytes())
}

/// The UI's own style sheets: tokens, then what all share, then each component's.
fn style_sheets(ui: &Path) -> Result<Vec<PathBuf>, UiBuildError> {
    let mut all = vec![ui.join("css/tokens.css"), ui.join("css/base.css")];
    all.extend(files_under(&ui.join("src"), &["css"])?);
    Ok(all)
}

fn styles(ui: &Path, modules: &Path) -> Result<String, UiBuildError> {
    let mut all = read(&modules.join("@xterm/xterm/css/xterm.css"))?;
    for sheet in style_sheets(ui)? {
        all.push('\n');
        all.push_str(&read(&sheet)?);
    }
    Ok(all)
}

/// All icons as symbols of one hidden drawing, so that a page draws them without asking for files.
fn icons(ui: &Path, modules: &Path) -> Result<String, UiBuildError> {
    let mut all = String::from("<svg class=\"icons\" aria-hidden=\"true\">");
    for name in read(&ui.join("icons.txt"))?
        .lines()
        .filter(|name| !name.is_empty())
    {
        let svg = read(&modules.join(format!("lucide-static/icons/{name}.svg")))?;
        all.push_str(&format!(
            "<symbol id=\"i-{name}\" viewBox=\"0 0 24 24\">{}</symbol>",
            body(&svg)
        ));
    }
    all.push_str("</svg>");
    Ok(all)
}

/// The shapes of an SVG file, without its outermost element.
fn body(svg: &str) -> String {
    let inner = svg
        .split_once("<svg")
        .and_then(|(_, rest)| rest.split_once('>'))
        .map_or("", |(_, rest)| rest);
    let inner = inner
        .rsplit_once("</svg>")
        .map_or(inner, |(inner, _)| inner);
    inner.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn read(path: &Path) -> Result<String, UiBuildError> {
    io("read", path, std::fs::read_to_string(path))
}

fn write(path: &Path, content: &[u8]) -> Result<(), UiBuildError> {
    if let Some(folder) = path.parent() {
        io("create", folder, std::fs::create_dir_all(folder))?;
    }
    io("write", path, std::fs::write(path, content))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_icon_keeps_only_its_shapes() {
        let svg = "<!-- @license -->\n<svg\n  class=\"x\"\n>\n  <path d=\"M5 12h14\" />\n  <path d=\"M12 5v14\" />\n</svg>\n";
        assert_eq!(body(svg), "<path d=\"M5 12h14\" /> <path d=\"M12 5v14\" />");
    }
}
