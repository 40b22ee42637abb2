//! How much wasm there is: at start, and later.

use std::fmt;
use std::path::Path;

use crate::error::{UiBuildError, io};
use crate::files_under;

/// Bytes of wasm that may be loaded at start. The page is shown only when all of them are compiled,
/// so what is not needed at start is loaded later.
const LIMIT: u64 = 600_000;

/// Sizes in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Size {
    /// What is loaded at start.
    pub start: u64,
    /// What is loaded later, with the names of the files.
    pub later: Vec<(String, u64)>,
}

impl Size {
    /// Measures what was built.
    pub(crate) fn of(main: &Path, chunks: &Path) -> Result<Self, UiBuildError> {
        let mut later = Vec::new();
        for path in files_under(chunks, &["wasm"])? {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            later.push((name.into_owned(), bytes(&path)?));
        }
        Ok(Self {
            start: bytes(main)?,
            later,
        })
    }

    /// Fails when too much is loaded at start.
    pub(crate) fn check(&self) -> Result<(), UiBuildError> {
        if self.start < LIMIT {
            Ok(())
        } else {
            Err(UiBuildError::TooLarge {
                bytes: self.start,
                limit: LIMIT,
            })
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kilobytes = |bytes: u64| bytes.div_ceil(1_000);
        write!(f, "{} KB of wasm at start", kilobytes(self.start))?;
        for (at, (name, bytes)) in self.later.iter().enumerate() {
            f.write_str(if at == 0 { ", later " } else { ", " })?;
            // The rest of the name tells builds apart.
            let name = name
                .rsplit_once('-')
                .map_or(name.as_str(), |(name, _)| name);
            write!(f, "{name} {} KB", kilobytes(*bytes))?;
        }
        Ok(())
    }
}

fn bytes(path: &Path) -> Result<u64, UiBuildError> {
    Ok(io("read", path, std::fs::metadata(path))?.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_loaded_at_start_is_limited() {
        let mut size = Size {
            start: LIMIT - 1,
            later: vec![("pages-0a1b2c3d.wasm".to_owned(), LIMIT)],
        };
        assert!(size.check().is_ok());
        assert_eq!(
            size.to_string(),
            "600 KB of wasm at start, later pages 600 KB"
        );
        size.start = LIMIT;
        let error = size.check().map_err(|error| error.to_string());
        assert!(error.is_err_and(|text| text.contains("at most 600000")));
    }
}
