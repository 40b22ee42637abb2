//! What a browser has to load before the UI can be used, and what it loads later.

use std::{
    env, fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use flate2::{Compression, write::GzEncoder};

use crate::report::{Figure, Limit, Report};

/// Largest program of the UI at start, in kB of 1,000 bytes.
const LIMIT: f64 = 600.0;

/// The folder of what is loaded later, in the folder of the UI.
const LATER: &str = "chunks";

/// Measures the built UI.
pub fn measure(report: &mut Report) {
    let Some(folder) = env::var_os("BERTH_UI_DIST").map(PathBuf::from) else {
        return report.skip("size of the UI", "BERTH_UI_DIST does not say where it is");
    };
    let files = wasm_files(&folder)
        .and_then(|start| wasm_files(&folder.join(LATER)).map(|later| (start, later)));
    match files {
        Ok((start, later)) if !start.is_empty() => add(&start, &later, report),
        Ok(_) => report.skip("size of the UI", "there is no wasm in its folder"),
        Err(error) => report.skip("size of the UI", &error.to_string()),
    }
}

fn add(start: &[Vec<u8>], later: &[Vec<u8>], report: &mut Report) {
    let kilobytes = |bytes: usize| bytes as f64 / 1000.0;
    let raw = start.iter().map(Vec::len).sum();
    let packed = start.iter().map(|file| compressed(file)).sum();
    let raw_later = later.iter().map(Vec::len).sum();
    report.add(Figure {
        what: "wasm of the UI".to_owned(),
        unit: "kB",
        berth: kilobytes(raw),
        bare: None,
        limit: Some(Limit::AtMost(LIMIT)),
        note: "loaded at start, as it lies on the disk".to_owned(),
    });
    report.add(Figure {
        what: "wasm of the UI, compressed".to_owned(),
        unit: "kB",
        berth: kilobytes(packed),
        bare: None,
        limit: None,
        note: "loaded at start, gzip -9".to_owned(),
    });
    report.add(Figure {
        what: "wasm of the UI, loaded later".to_owned(),
        unit: "kB",
        berth: kilobytes(raw_later),
        bare: None,
        limit: None,
        note: "pages and dialogs, when they are first shown".to_owned(),
    });
}

/// The wasm in a folder, and not in the folders below it.
fn wasm_files(folder: &Path) -> io::Result<Vec<Vec<u8>>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "wasm")
        {
            files.push(fs::read(&path)?);
        }
    }
    Ok(files)
}

fn compressed(bytes: &[u8]) -> usize {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let packed = encoder.write_all(bytes).and_then(|()| encoder.finish());
    packed.map_or(bytes.len(), |packed| packed.len())
}
