//! The three addresses of the engine's API that a launcher uses, as bare HTTP/1.1.

use std::sync::Arc;

use berth_protocol::Endpoint;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

pub struct FakeApi {
    endpoint: Endpoint,
    shut: Arc<Notify>,
}

impl FakeApi {
    /// Serves an engine with this process id until it is shut, or stopped over its API.
    pub async fn start(pid: u32) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = Endpoint {
            url: format!("http://{}", listener.local_addr().unwrap()),
            token: format!("token-of-{pid}"),
            pid,
            version: "0.1.0".to_owned(),
        };
        let shut = Arc::new(Notify::new());
        let (about, stop) = (endpoint.clone(), shut.clone());
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = stop.notified() => return,
                    connection = listener.accept() => {
                        let (stream, _) = connection.unwrap();
                        answer(stream, &about, &stop).await;
                    }
                }
            }
        });
        Self { endpoint, shut }
    }

    pub fn endpoint(&self) -> Endpoint {
        self.endpoint.clone()
    }

    pub fn shut(&self) {
        self.shut.notify_one();
    }
}

async fn answer(mut stream: TcpStream, about: &Endpoint, stop: &Notify) {
    let mut request = vec![0; 4096];
    let length = stream.read(&mut request).await.unwrap();
    let request = String::from_utf8_lossy(&request[..length]).to_lowercase();
    let line = request.lines().next().unwrap_or_default();
    let known = request.contains(&format!("authorization: bearer {}\r\n", about.token));
    let (status, body) = match line {
        "get /health http/1.1" => (
            "200 OK",
            format!(r#"{{"status":"ok","version":"{}"}}"#, about.version),
        ),
        _ if !known => ("401 Unauthorized", "{}".to_owned()),
        "get /api/v1/engine http/1.1" => ("200 OK", engine_info(about)),
        "post /api/v1/engine/stop http/1.1" => {
            stop.notify_one();
            ("202 Accepted", "{}".to_owned())
        }
        _ => ("404 Not Found", "{}".to_owned()),
    };
    let response = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(response.as_bytes()).await.unwrap();
}

fn engine_info(about: &Endpoint) -> String {
    format!(
        r#"{{"version":"{}","pid":{},"data_dir":"/d","log_dir":"/l","home_dir":null,"os":"linux",
            "schema_version":1,"environment":"inherited","warnings":[]}}"#,
        about.version, about.pid
    )
}
