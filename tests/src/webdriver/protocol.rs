//! One WebDriver session as HTTP calls.
//!
//! The tests need a dozen calls of the protocol, each one JSON object, so there is no library
//! between them and the drivers: what chromedriver and WebKitWebDriver answer is seen as it is.
//! Source: <https://www.w3.org/TR/webdriver2/>.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

/// Longest wait for an answer. Starting a browser on a busy machine is the slowest call.
const ANSWER: Duration = Duration::from_secs(90);

/// The key under which an element's reference travels, given by the specification.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum WebDriverError {
    /// The driver said no.
    #[error("{call}: {error}: {message}")]
    Refused {
        /// Method and path of the call.
        call: String,
        /// Stable code, such as `no such element`.
        error: String,
        /// What the driver says about it.
        message: String,
    },
    /// There was no answer, or none that is WebDriver's.
    #[error("{call}: no answer from the driver")]
    Silent {
        /// Method and path of the call.
        call: String,
        /// The reason.
        source: reqwest::Error,
    },
}

impl WebDriverError {
    /// The driver has not answered in time.
    pub(super) fn is_timeout(&self) -> bool {
        matches!(self, Self::Silent { source, .. } if source.is_timeout())
    }

    /// The page was changing while it was asked: the same call may work a moment later.
    pub(super) fn is_passing(&self) -> bool {
        matches!(self, Self::Refused { error, .. } if matches!(
            error.as_str(),
            "stale element reference"
                | "no such element"
                | "element click intercepted"
                | "element not interactable"
                | "javascript error"
        ))
    }
}

/// A browser under the control of a driver.
#[derive(Clone)]
pub(super) struct Session {
    http: reqwest::Client,
    url: String,
}

impl Session {
    /// Starts a browser with these capabilities.
    pub(super) async fn start(driver: &str, wanted: &Value) -> Result<Self, WebDriverError> {
        let mut session = Self {
            http: client(),
            url: driver.to_owned(),
        };
        let body = json!({"capabilities": {"alwaysMatch": wanted}});
        let answer = session.call(Method::POST, "/session", Some(body)).await?;
        let id = answer["sessionId"].as_str().unwrap_or_default();
        session.url = format!("{driver}/session/{id}");
        Ok(session)
    }

    /// Sends a command with parameters.
    pub(super) async fn post(&self, path: &str, body: Value) -> Result<Value, WebDriverError> {
        self.call(Method::POST, path, Some(body)).await
    }

    /// Asks for something.
    pub(super) async fn get(&self, path: &str) -> Result<Value, WebDriverError> {
        self.call(Method::GET, path, None).await
    }

    /// Closes the browser.
    pub(super) async fn end(&self) -> Result<(), WebDriverError> {
        self.call(Method::DELETE, "", None).await.map(drop)
    }

    /// The same session for another runtime, with connections of its own.
    pub(super) fn anew(&self) -> Self {
        Self {
            http: client(),
            url: self.url.clone(),
        }
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Value, WebDriverError> {
        let call = format!("{method} {path}");
        let silent = |source| WebDriverError::Silent {
            call: call.clone(),
            source,
        };
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.map_err(silent)?;
        let good = response.status().is_success();
        let mut answer: Value = response.json().await.map_err(silent)?;
        let value = answer["value"].take();
        if good {
            return Ok(value);
        }
        let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        Err(WebDriverError::Refused {
            call,
            error: text("error"),
            message: text("message"),
        })
    }
}

/// The element's reference in an answer.
pub(super) fn element_in(answer: &Value) -> Option<String> {
    answer[ELEMENT].as_str().map(str::to_owned)
}

fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .timeout(ANSWER)
        .build()
        .expect("a client without options of the system's can be made")
}
