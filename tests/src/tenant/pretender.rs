//! A server that answers as a test says: what a backend must not be believed.

use std::sync::{Arc, Mutex, PoisonError};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    response::Response,
};
use serde_json::Value;
use tokio::{net::TcpListener, task::AbortHandle};

/// A request that it was asked.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The function.
    pub function: String,
    /// What the function was given.
    pub arguments: Value,
}

/// Says status and body to a request.
type Say = dyn Fn(&Asked) -> (u16, String) + Send + Sync;

/// A pretender that is there until it is dropped.
pub struct Pretender {
    /// Its REST root.
    pub root: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    server: AbortHandle,
}

impl Pretender {
    /// One that answers so.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn new(say: impl Fn(&Asked) -> (u16, String) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await;
        let listener = listener.expect("a port is free");
        let root = format!(
            "http://{}",
            listener.local_addr().expect("it has an address")
        );
        let asked = Arc::<Mutex<Vec<Asked>>>::default();
        let say: Arc<Say> = Arc::new(say);
        let app = Router::new()
            .fallback(answer)
            .with_state((say, Arc::clone(&asked)));
        let server = tokio::spawn(async move {
            // It ends with the test.
            let _ = axum::serve(listener, app).await;
        });
        Self {
            root,
            asked,
            server: server.abort_handle(),
        }
    }

    /// What it was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.clone()
    }

    /// How often a function was called.
    pub fn calls(&self, function: &str) -> usize {
        let asked = self.asked();
        asked.iter().filter(|it| it.function == function).count()
    }
}

impl Drop for Pretender {
    fn drop(&mut self) {
        self.server.abort();
    }
}

type Inside = (Arc<Say>, Arc<Mutex<Vec<Asked>>>);

async fn answer(State((say, log)): State<Inside>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let body = to_bytes(request.into_body(), 1024 * 1024).await;
    let asked = Asked {
        function: path.rsplit('/').next().unwrap_or_default().to_owned(),
        arguments: body
            .ok()
            .and_then(|body| serde_json::from_slice(&body).ok())
            .unwrap_or_default(),
    };
    log.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(asked.clone());
    let (status, body) = say(&asked);
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status.try_into().expect("a test says a status");
    if (300..400).contains(&status) {
        let location = "/rpc/elsewhere".parse().expect("it is a header");
        response.headers_mut().insert("location", location);
    }
    response
}
