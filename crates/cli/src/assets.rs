//! The UI's files: built into the program in a release, read from `ui/dist` in a debug build.

use berth_engine::{Asset, Assets};
use rust_embed::Embed;

/// What `cargo xtask ui` has built. Without it the engine serves its API only.
#[derive(Embed)]
#[folder = "$CARGO_MANIFEST_DIR/../../ui/dist"]
#[allow_missing = true]
struct Files;

/// The built UI.
pub struct BuiltUi;

impl Assets for BuiltUi {
    fn get(&self, path: &str) -> Option<Asset> {
        let file = Files::get(path)?;
        let hash = file.metadata.sha256_hash();
        Some(Asset {
            media_type: file.metadata.mimetype().to_owned(),
            tag: hash[..8].iter().map(|byte| format!("{byte:02x}")).collect(),
            bytes: file.data,
        })
    }
}
