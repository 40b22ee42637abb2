//! The clipboard.

use wasm_bindgen_futures::JsFuture;

use crate::web::dom;

/// Copies a text. False when the browser refuses.
pub async fn copy(text: &str) -> bool {
    JsFuture::from(dom::window().navigator().clipboard().write_text(text))
        .await
        .is_ok()
}
