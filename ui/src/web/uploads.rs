//! Files that a session is handed.

use berth_protocol::{SessionId, Uploaded};
use wasm_bindgen_futures::JsFuture;
use web_sys::{DataTransfer, File, FileList, FormData, HtmlInputElement};

use crate::web::api::Api;
use crate::web::error::ApiError;

impl Api {
    /// Hands a file to a session.
    pub async fn upload(&self, id: SessionId, file: &File) -> Result<Uploaded, ApiError> {
        let form = FormData::new().map_err(|_| ApiError::Unreadable)?;
        form.append_with_blob_and_filename("file", file, &file.name())
            .map_err(|_| ApiError::Unreadable)?;
        self.send_form(&format!("/sessions/{id}/upload"), form)
            .await
    }
}

/// Whether a file has content to read, which a folder has not.
pub async fn is_readable(file: &File) -> bool {
    match file.slice_with_i32_and_i32(0, 1) {
        Ok(begin) => JsFuture::from(begin.array_buffer()).await.is_ok(),
        Err(_) => false,
    }
}

/// The files that the user chose.
pub fn chosen(input: &HtmlInputElement) -> Vec<File> {
    let files = input.files().map(all).unwrap_or_default();
    // The same files can be chosen again.
    input.set_value("");
    files
}

/// The files that are dragged here.
pub fn dropped(data: &DataTransfer) -> Vec<File> {
    data.files().map(all).unwrap_or_default()
}

/// The files that are pasted. Words that come with a picture of themselves, as from a table, are words.
pub fn pasted(data: &DataTransfer) -> Vec<File> {
    let has = |kind: &str| data.get_data(kind).is_ok_and(|text| !text.is_empty());
    if has("text/plain") && has("text/html") {
        return Vec::new();
    }
    dropped(data)
}

fn all(list: FileList) -> Vec<File> {
    (0..list.length()).filter_map(|at| list.get(at)).collect()
}
