//! Takes out of the module what only its making needed: long names, and what is never called.
//!
//! wasm-bindgen gives each function that the module imports a name of some forty bytes, which
//! stands in the module and in its JavaScript; both get a short one. A class of JavaScript that a
//! library exports keeps its code alive though nothing makes one; without the exports wasm-opt takes
//! the code out.

use std::path::Path;

use crate::error::{UiBuildError, io};

/// Module name of the imports in the JavaScript that wasm-bindgen writes, in quotes.
const MODULE: &str = "./berth_ui_bg.js";
/// What takes its place.
const SHORT_MODULE: &str = "b";

/// Beginnings of exports that nothing calls: `wasm-streams`, which comes with Leptos' server
/// functions, exports its classes whether or not somebody makes one.
const UNUSED: [&str; 2] = ["intounderlying", "__wbg_intounderlying"];

/// Numbers of the sections in a module (WebAssembly core specification, section 5.5.2).
const CUSTOM: u8 = 0;
const IMPORTS: u8 = 2;
const EXPORTS: u8 = 7;

/// The module's bytes end early or are not a module.
struct Malformed;

/// Trims the module and its JavaScript in their place. A module that is not understood stays as it
/// is: it works, it is only larger.
pub fn trim(module: &Path, script: &Path) -> Result<(), UiBuildError> {
    let bytes = io("read", module, std::fs::read(module))?;
    let text = io("read", script, std::fs::read_to_string(script))?;
    if let Ok((bytes, text)) = trimmed(&bytes, &text) {
        io("write", module, std::fs::write(module, bytes))?;
        io("write", script, std::fs::write(script, text))?;
    }
    Ok(())
}

/// Copies a module without the names of its functions, which only tools look at. wasm-opt complains
/// about some of those that a chunk has.
pub fn take_names(from: &Path, to: &Path) -> Result<(), UiBuildError> {
    let bytes = io("read", from, std::fs::read(from))?;
    let bytes = nameless(&bytes).unwrap_or(bytes);
    io("write", to, std::fs::write(to, bytes))
}

fn nameless(bytes: &[u8]) -> Result<Vec<u8>, Malformed> {
    let mut made = bytes.get(..8).ok_or(Malformed)?.to_vec();
    let mut reader = Reader { bytes, at: 8 };
    while reader.at < bytes.len() {
        let start = reader.at;
        let id = reader.byte()?;
        let content = reader.vector()?;
        let name = Reader {
            bytes: content,
            at: 0,
        }
        .vector();
        if id != CUSTOM || !matches!(name, Ok(b"name")) {
            made.extend_from_slice(&bytes[start..reader.at]);
        }
    }
    Ok(made)
}

fn trimmed(bytes: &[u8], script: &str) -> Result<(Vec<u8>, String), Malformed> {
    let mut script = script.replace(&format!("\"{MODULE}\":"), &format!("\"{SHORT_MODULE}\":"));
    let header = bytes.get(..8).ok_or(Malformed)?;
    let mut made = header.to_vec();
    let mut reader = Reader { bytes, at: 8 };
    while reader.at < bytes.len() {
        let id = reader.byte()?;
        let content = reader.vector()?;
        let content = match id {
            IMPORTS => imports(content, &mut script)?,
            EXPORTS => exports(content)?,
            _ => content.to_vec(),
        };
        made.push(id);
        write_vector(&mut made, &content);
    }
    Ok((made, script))
}

/// Gives every import of the script a short name, there and here.
fn imports(section: &[u8], script: &mut String) -> Result<Vec<u8>, Malformed> {
    let mut reader = Reader {
        bytes: section,
        at: 0,
    };
    let count = reader.number()?;
    let mut made = Vec::new();
    write_number(&mut made, count);
    for at in 0..count {
        let (module, name) = (reader.vector()?, reader.vector()?);
        let key = format!("        {}: function(", String::from_utf8_lossy(name));
        if module == MODULE.as_bytes() && script.matches(&key).count() == 1 {
            let short = short_name(at);
            *script = script.replace(&key, &format!("        {short}: function("));
            write_vector(&mut made, SHORT_MODULE.as_bytes());
            write_vector(&mut made, short.as_bytes());
        } else {
            let module = if module == MODULE.as_bytes() {
                SHORT_MODULE.as_bytes()
            } else {
                module
            };
            write_vector(&mut made, module);
            write_vector(&mut made, name);
        }
        let start = reader.at;
        reader.import_kind()?;
        made.extend_from_slice(&section[start..reader.at]);
    }
    Ok(made)
}

/// The exports that are called.
fn exports(section: &[u8]) -> Result<Vec<u8>, Malformed> {
    let mut reader = Reader {
        bytes: section,
        at: 0,
    };
    let mut kept = 0;
    let mut entries = Vec::new();
    for _ in 0..reader.number()? {
        let start = reader.at;
        let name = reader.vector()?;
        reader.byte()?;
        reader.number()?;
        if !UNUSED
            .iter()
            .any(|unused| name.starts_with(unused.as_bytes()))
        {
            kept += 1;
            entries.extend_from_slice(&section[start..reader.at]);
        }
    }
    let mut made = Vec::new();
    write_number(&mut made, kept);
    made.extend(entries);
    Ok(made)
}

/// `a` to `z`, then `aa` and so on; an underscore keeps it from being a word of JavaScript.
fn short_name(mut number: u32) -> String {
    let mut name = String::from("_");
    loop {
        name.push(char::from_digit(number % 36, 36).unwrap_or('0'));
        number /= 36;
        if number == 0 {
            return name;
        }
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Result<u8, Malformed> {
        let byte = *self.bytes.get(self.at).ok_or(Malformed)?;
        self.at += 1;
        Ok(byte)
    }

    /// An unsigned number in LEB128.
    fn number(&mut self) -> Result<u32, Malformed> {
        let mut value = 0;
        for shift in (0..35).step_by(7) {
            let byte = self.byte()?;
            value |= u32::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Malformed)
    }

    /// A number of bytes, and the bytes.
    fn vector(&mut self) -> Result<&'a [u8], Malformed> {
        let length = usize::try_from(self.number()?).map_err(|_| Malformed)?;
        let end = self.at.checked_add(length).ok_or(Malformed)?;
        let bytes = self.bytes.get(self.at..end).ok_or(Malformed)?;
        self.at = end;
        Ok(bytes)
    }

    /// What an import is: only functions, tables, memories and globals are known here.
    fn import_kind(&mut self) -> Result<(), Malformed> {
        match self.byte()? {
            0 => {
                self.number()?;
            }
            kind @ (1 | 2) => {
                if kind == 1 {
                    self.byte()?;
                }
                let limits = self.byte()?;
                self.number()?;
                if limits & 1 == 1 {
                    self.number()?;
                }
            }
            3 => {
                self.byte()?;
                self.byte()?;
            }
            _ => return Err(Malformed),
        }
        Ok(())
    }
}

fn write_number(out: &mut Vec<u8>, mut value: u32) {
    loop {
        let byte = u8::try_from(value & 0x7f).unwrap_or_default();
        value >>= 7;
        if value == 0 {
            out.push(byte);
            return;
        }
        out.push(byte | 0x80);
    }
}

fn write_vector(out: &mut Vec<u8>, bytes: &[u8]) {
    write_number(out, u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A module with one section of each kind that is changed and one that is not.
    fn module(import: &[u8], exports: &[&str]) -> Vec<u8> {
        let mut bytes = b"\0asm\x01\0\0\0".to_vec();
        let mut section = |id, count: u32, entries: &[u8]| {
            let mut content = Vec::new();
            write_number(&mut content, count);
            content.extend_from_slice(entries);
            bytes.push(id);
            write_vector(&mut bytes, &content);
        };
        let mut entries = Vec::new();
        for (module, name) in [(MODULE.as_bytes(), import), (b"./xterm.js", b"Terminal")] {
            write_vector(&mut entries, module);
            write_vector(&mut entries, name);
            entries.extend([0, 0]);
        }
        section(IMPORTS, 2, &entries);
        section(3, 1, &[0]);
        let mut entries = Vec::new();
        for name in exports {
            write_vector(&mut entries, name.as_bytes());
            entries.extend([0, 0]);
        }
        section(EXPORTS, u32::try_from(exports.len()).unwrap(), &entries);
        bytes
    }

    #[test]
    fn names_are_shortened_on_both_sides_and_unused_exports_go() {
        let script = "        __wbg_fetch_1: function(a) {\n\"./berth_ui_bg.js\": import0,";
        let bytes = module(b"__wbg_fetch_1", &["start", "intounderlyingsink_abort"]);
        let Ok((bytes, script)) = trimmed(&bytes, script) else {
            panic!("it is a module");
        };
        assert_eq!(script, "        _0: function(a) {\n\"b\": import0,");
        let text = String::from_utf8_lossy(&bytes);
        for (name, there) in [("_0", true), ("Terminal", true), ("start", true)] {
            assert_eq!(text.contains(name), there, "{name}");
        }
        assert!(!text.contains("intounderlying") && !text.contains("__wbg_fetch"));
    }

    #[test]
    fn only_the_names_are_taken_out() {
        let module = module(b"__wbg_fetch_1", &["start"]);
        let mut named = module.clone();
        named.extend([CUSTOM, 6, 4, b'n', b'a', b'm', b'e', 0]);
        named.extend([CUSTOM, 3, 1, b'x', 0]);
        let Ok(made) = nameless(&named) else {
            panic!("it is a module");
        };
        assert_eq!(made, [module.as_slice(), &[CUSTOM, 3, 1, b'x', 0]].concat());
    }

    #[test]
    fn what_is_no_module_is_refused() {
        assert!(trimmed(b"", "").is_err());
        assert!(trimmed(b"\0asm\x01\0\0\0\x02\x80", "").is_err());
        assert!(trimmed(b"\0asm\x01\0\0\0\x02\x05\x01", "").is_err());
    }

    #[test]
    fn short_names_are_all_different() {
        let names: std::collections::BTreeSet<_> = (0..3_000).map(short_name).collect();
        assert_eq!(names.len(), 3_000);
    }
}
