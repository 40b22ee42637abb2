//! Where the engine is, and the token that opens it.

use crate::logic::route::token_in;
use crate::web::{dom, storage, tauri};

/// Where the engine is. Its token is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Base address without a slash at its end.
    pub url: String,
    /// Bearer token.
    pub token: String,
}

const TOKEN_KEY: &str = "berth.token";

/// Asks the window, or reads the token that `berth open` put into the address and forgets it there.
pub async fn find() -> Option<Endpoint> {
    if tauri::present() {
        let answer = tauri::invoke("engine_endpoint", &[]).await?;
        let url = tauri::text_of(&answer, "url")?
            .trim_end_matches('/')
            .to_owned();
        return Some(Endpoint {
            url,
            token: tauri::text_of(&answer, "token")?,
        });
    }
    let location = dom::window().location();
    let fragment = location.hash().unwrap_or_default();
    if let Some(token) = token_in(&fragment) {
        storage::set_for_tab(TOKEN_KEY, token);
        dom::replace_fragment("#/");
    }
    let token = storage::get_for_tab(TOKEN_KEY)?;
    Some(Endpoint {
        url: location.origin().ok()?,
        token,
    })
}

/// Forgets a token that the engine no longer accepts.
pub fn forget() {
    storage::remove_for_tab(TOKEN_KEY);
}
