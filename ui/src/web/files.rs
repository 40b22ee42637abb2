//! Files that the user gives and takes.

use berth_protocol::PromptFile;
use js_sys::Uint8Array;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, HtmlAnchorElement, HtmlInputElement};

use crate::web::{clock, dom, task, tauri};

/// A file for the user.
pub struct Download {
    pub name: String,
    pub content: Blob,
}

/// How long the browser may take to begin with a file, in milliseconds.
const BEGUN: i32 = 60_000;

/// Saves a file where downloads go. The window says where that was, for it shows nothing itself; a browser does.
pub async fn save(file: &Download) -> Option<Result<String, String>> {
    if tauri::present() {
        let buffer = JsFuture::from(file.content.array_buffer()).await.ok()?;
        return tauri::save_file(&file.name, &Uint8Array::new(&buffer)).await;
    }
    let url = web_sys::Url::create_object_url_with_blob(&file.content).ok()?;
    let link = dom::document().create_element("a").ok();
    if let Some(link) = link.and_then(|link| link.dyn_into::<HtmlAnchorElement>().ok()) {
        link.set_href(&url);
        link.set_download(&file.name);
        link.click();
    }
    task::spawn_local(async move {
        clock::sleep(BEGUN).await;
        web_sys::Url::revoke_object_url(&url).ok();
    });
    None
}

/// Reads the files that the user chose. Those that cannot be read are left out.
pub async fn chosen(input: &HtmlInputElement) -> Vec<PromptFile> {
    let mut files = Vec::new();
    let Some(list) = input.files() else {
        return files;
    };
    for at in 0..list.length() {
        let Some(file) = list.get(at) else { continue };
        let text = JsFuture::from(file.text()).await.ok();
        if let Some(text) = text.and_then(|text| text.as_string()) {
            files.push(PromptFile {
                name: file.name(),
                text,
            });
        }
    }
    // The same files can be chosen again.
    input.set_value("");
    files
}
