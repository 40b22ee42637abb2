//! Requests to the engine.

use berth_protocol::{Code, Problem};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{FormData, Headers, RequestInit, Response};

use crate::web::dom;
use crate::web::endpoint::Endpoint;
use crate::web::error::ApiError;
use crate::wire::{self, Read, Write};

/// The engine's HTTP interface at one address.
#[derive(Clone)]
pub struct Api {
    endpoint: Endpoint,
}

impl Api {
    /// The interface at this address.
    pub fn new(endpoint: Endpoint) -> Self {
        Self { endpoint }
    }

    /// Reads.
    pub async fn get<T: Read>(&self, path: &str) -> Result<T, ApiError> {
        read(&self.text("GET", path, None).await?)
    }

    /// Sends a body and reads the answer.
    pub async fn send<T: Read>(
        &self,
        method: &str,
        path: &str,
        body: &impl Write,
    ) -> Result<T, ApiError> {
        read(&self.text(method, path, Some(body.write().into())).await?)
    }

    /// Does something without a body; the answer may be empty.
    pub async fn act(&self, method: &str, path: &str) -> Result<String, ApiError> {
        self.text(method, path, None).await
    }

    /// Sends a body; the answer may be empty.
    pub async fn tell(&self, path: &str, body: &impl Write) -> Result<String, ApiError> {
        self.text("POST", path, Some(body.write().into())).await
    }

    /// Sends a form and reads the answer.
    pub async fn send_form<T: Read>(&self, path: &str, form: FormData) -> Result<T, ApiError> {
        read(&self.text("POST", path, Some(form.into())).await?)
    }

    async fn text(
        &self,
        method: &str,
        path: &str,
        body: Option<JsValue>,
    ) -> Result<String, ApiError> {
        let response = self.response(method, path, body, &[]).await?;
        let text = response.text().map_err(|_| ApiError::Unreachable)?;
        let text = JsFuture::from(text)
            .await
            .map_err(|_| ApiError::Unreachable)?;
        Ok(text.as_string().unwrap_or_default())
    }

    /// Reads a file.
    pub async fn blob(&self, path: &str) -> Result<web_sys::Blob, ApiError> {
        let response = self.response("GET", path, None, &[]).await?;
        let blob = response.blob().map_err(|_| ApiError::Unreachable)?;
        JsFuture::from(blob)
            .await
            .map_err(|_| ApiError::Unreachable)?
            .dyn_into()
            .map_err(|_| ApiError::Unreadable)
    }

    /// The response to a request, once its head is there. Refusals are errors.
    pub async fn response(
        &self,
        method: &str,
        path: &str,
        body: Option<JsValue>,
        headers: &[(&str, &str)],
    ) -> Result<Response, ApiError> {
        let response = self
            .fetch(method, path, body, headers)
            .await
            .map_err(|_| ApiError::Unreachable)?;
        if response.ok() {
            return Ok(response);
        }
        let text = match response.text() {
            Ok(text) => JsFuture::from(text)
                .await
                .ok()
                .and_then(|text| text.as_string()),
            Err(_) => None,
        };
        let problem = text.and_then(|text| wire::read::<Problem>(&text).ok());
        let problem = problem.unwrap_or_else(|| {
            let code = if response.status() == 401 {
                Code::Unauthorized
            } else {
                Code::Unknown
            };
            Problem {
                kind: String::new(),
                title: String::new(),
                status: response.status(),
                code,
                detail: format!("HTTP {} {path}", response.status()),
                hint: None,
                work: None,
                fields: Vec::new(),
                conflict: None,
            }
        });
        Err(ApiError::Problem(Box::new(problem)))
    }

    /// The response to a request, once its head is there, whatever it says. A body that is a text is JSON.
    pub async fn fetch(
        &self,
        method: &str,
        path: &str,
        body: Option<JsValue>,
        extra: &[(&str, &str)],
    ) -> Result<Response, JsValue> {
        let headers = Headers::new()?;
        headers.set("authorization", &format!("Bearer {}", self.endpoint.token))?;
        for (name, value) in extra {
            headers.set(name, value)?;
        }
        let init = RequestInit::new();
        init.set_method(method);
        if let Some(body) = body {
            // Of a form the browser says itself what it is, and how its parts are told apart.
            if body.is_string() {
                headers.set("content-type", "application/json")?;
            }
            init.set_body(&body);
        }
        init.set_headers(&headers);
        let url = format!("{}/api/v1{path}", self.endpoint.url);
        JsFuture::from(dom::window().fetch_with_str_and_init(&url, &init))
            .await?
            .dyn_into()
    }

    /// Address of the WebSocket at this path.
    pub fn socket_url(&self, path: &str) -> String {
        format!(
            "{}/api/v1{path}",
            self.endpoint.url.replacen("http", "ws", 1)
        )
    }

    /// The bearer token, for the WebSocket's subprotocol.
    pub fn token(&self) -> &str {
        &self.endpoint.token
    }
}

fn read<T: Read>(text: &str) -> Result<T, ApiError> {
    wire::read(text).map_err(|wrong| {
        not_understood(wrong);
        ApiError::Unreadable
    })
}

/// Tells whoever looks for the reason which part of an answer or event this version does not know.
pub fn not_understood(wrong: &str) {
    web_sys::console::error_1(&format!("what the engine sent is not understood: {wrong}").into());
}
