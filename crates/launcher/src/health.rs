//! Asks whether the engine of an endpoint file is the one that answers at its address.

use std::time::Duration;

use berth_protocol::{API_VERSION, Endpoint, EngineInfo, Health};
use reqwest::{Client, StatusCode};

/// How long an engine on this machine may take to answer one question.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

/// An HTTP client for the engine: never through a proxy, never after a redirect, 2 s at most.
///
/// The environment's proxy is meant for the internet; it would get the token and could not reach
/// the loopback address anyway.
pub fn client() -> Client {
    Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(ANSWER_TIMEOUT)
        .build()
        .unwrap_or_default()
}

/// Whether the engine of this endpoint runs and answers, within 4 s.
///
/// After a crash another program, even another engine, may have got the same port. So its health
/// must name the same version, and if it knows `GET /engine`, its token and process must fit too.
pub async fn probe(endpoint: &Endpoint) -> bool {
    if endpoint.pid == 0 || endpoint.token.is_empty() {
        return false;
    }
    let client = client();
    let base = endpoint.url.trim_end_matches('/');
    let Some(health) = answer::<Health>(client.get(format!("{base}/health"))).await else {
        return false;
    };
    if health.version != endpoint.version {
        return false;
    }
    let about = client
        .get(format!("{base}/api/{API_VERSION}/engine"))
        .bearer_auth(&endpoint.token)
        .send()
        .await;
    match about {
        Ok(response) if response.status().is_success() => response
            .json::<EngineInfo>()
            .await
            .is_ok_and(|info| info.pid == endpoint.pid),
        // It is alive and starting, or does not know the address.
        Ok(response) => !matches!(
            response.status(),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
        ),
        Err(_) => false,
    }
}

async fn answer<T: serde::de::DeserializeOwned>(request: reqwest::RequestBuilder) -> Option<T> {
    let response = request.send().await.ok()?;
    // `/health` answers 503 with the same body while the engine starts.
    response.json().await.ok()
}
