//! The UI's files. Addresses that are no file get its page, which finds its own way.

use std::sync::Arc;

use axum::{
    extract::State as Shared,
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{Html, IntoResponse, Response},
};
use berth_protocol::Code;

use crate::{error::ApiError, state::State};

/// What the UI may load and speak to: itself.
const POLICY: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; \
    style-src 'self' 'unsafe-inline'; font-src 'self'; img-src 'self' data:; connect-src 'self'; \
    object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub async fn serve(
    Shared(state): Shared<Arc<State>>,
    method: Method,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let path = uri.path();
    let missing =
        || ApiError::new(Code::NotFound, format!("there is nothing at {path}")).into_response();
    if path.starts_with("/api/") || !matches!(method, Method::GET | Method::HEAD) {
        return missing();
    }
    let Some(assets) = &state.config.assets else {
        return if path == "/" {
            Html(NO_UI).into_response()
        } else {
            missing()
        };
    };
    let wanted = path.trim_start_matches('/');
    let is_page = !wanted.rsplit('/').next().unwrap_or_default().contains('.');
    let found = if wanted.is_empty() {
        None
    } else {
        assets.get(wanted)
    };
    let Some(asset) = found.or_else(|| is_page.then(|| assets.get("index.html")).flatten()) else {
        return if path == "/" {
            Html(NO_UI).into_response()
        } else {
            missing()
        };
    };
    let tag = format!("\"{}\"", asset.tag);
    if headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|known| known.as_bytes() == tag.as_bytes())
    {
        let headers = [(header::ETAG, tag), (header::CACHE_CONTROL, ASK.to_owned())];
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    let headers = [
        (header::CONTENT_TYPE, asset.media_type),
        (header::ETAG, tag),
        (header::CACHE_CONTROL, ASK.to_owned()),
        (header::CONTENT_SECURITY_POLICY, POLICY.to_owned()),
    ];
    (headers, asset.bytes.into_owned()).into_response()
}

/// Files are small and near: asking whether they changed costs less than an old UI.
const ASK: &str = "no-cache";

const NO_UI: &str = "<!doctype html><title>Berth</title><p>This engine was built without its UI. \
    Run <code>cargo xtask ui</code> and build it again, or use the <a href=\"/docs\">API</a>.";
