//! Takes the browser's answer on this machine, once.
//!
//! The listener exists before the address that names it is given out. It takes one path, for one host, and
//! everything else on it is refused; browsers open connections ahead, so each is read beside the others.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use subtle::ConstantTimeEq;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::timeout,
};

use crate::page::{self, Page};

/// Longest head of a request, in bytes.
const LONGEST: usize = 16 * 1024;

/// Time in which a request has to be there, and an answer taken.
const SLOWEST: Duration = Duration::from_secs(10);

/// Most connections at once.
const MANY: usize = 32;

/// Where the browser is to answer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Redirect {
    /// The port, for clients that were registered with one; 0 for any.
    pub port: u16,
    /// Named `localhost`, for clients that were registered with it, instead of `127.0.0.1`.
    pub by_name: bool,
}

/// Listens. Dropping it ends that.
pub struct Callback {
    listener: TcpListener,
    host: String,
    path: String,
    readers: JoinSet<Option<Received>>,
}

/// A request for the one path.
pub struct Received {
    stream: TcpStream,
    /// What stands behind the path, as it came.
    pub query: String,
}

impl Callback {
    /// Begins to listen, for a path that begins with `/`.
    ///
    /// # Errors
    /// What the system says, when the port is not to be had.
    pub async fn bind(redirect: Redirect, path: String) -> io::Result<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, redirect.port));
        let listener = TcpListener::bind(address).await?;
        let port = listener.local_addr()?.port();
        let name = if redirect.by_name {
            "localhost"
        } else {
            "127.0.0.1"
        };
        Ok(Self {
            listener,
            host: format!("{name}:{port}"),
            path,
            readers: JoinSet::new(),
        })
    }

    /// The address that the browser is sent to.
    pub fn address(&self) -> String {
        format!("http://{}{}", self.host, self.path)
    }

    /// The next request for the path.
    ///
    /// # Errors
    /// What the system says, when nothing can be received any more.
    pub async fn next(&mut self) -> io::Result<Received> {
        loop {
            tokio::select! {
                accepted = self.listener.accept(), if self.readers.len() < MANY => {
                    let stream = match accepted {
                        Ok((stream, _)) => stream,
                        Err(error) if is_of_one(&error) => continue,
                        Err(error) => return Err(error),
                    };
                    let (host, path) = (self.host.clone(), self.path.clone());
                    self.readers.spawn(async move {
                        timeout(SLOWEST, read(stream, &host, &path)).await.ok().flatten()
                    });
                }
                Some(read) = self.readers.join_next() => {
                    if let Ok(Some(received)) = read {
                        return Ok(received);
                    }
                }
            }
        }
    }
}

/// One connection has failed, and not the listener.
fn is_of_one(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}

impl Callback {
    /// Answers what is not waited for, beside everything else.
    pub fn turn_away(&mut self, mut received: Received) {
        self.readers.spawn(async move {
            send(&mut received.stream, Page::Stranger).await;
            None
        });
    }
}

impl Received {
    /// Answers it.
    pub async fn answer(mut self, page: Page<'_>) {
        send(&mut self.stream, page).await;
    }
}

async fn send(stream: &mut TcpStream, page: Page<'_>) {
    let answer = page::response(page);
    // A browser that has gone does not need it.
    let sent = async {
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await
    };
    let _ = timeout(SLOWEST, sent).await;
}

/// Reads a request; answers it here unless it is for the one path.
async fn read(mut stream: TcpStream, host: &str, path: &str) -> Option<Received> {
    let mut head = Vec::new();
    let mut piece = [0; 2048];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let length = stream.read(&mut piece).await.ok()?;
        if length == 0 || head.len() + length > LONGEST {
            return None;
        }
        head.extend_from_slice(&piece[..length]);
    }
    let head = String::from_utf8(head).ok()?;
    match judge(&head, host, path) {
        Ok(query) => Some(Received {
            query: query.to_owned(),
            stream,
        }),
        Err(page) => {
            send(&mut stream, page).await;
            None
        }
    }
}

/// The query of a request for the one path, or what is answered to another.
fn judge<'a>(head: &'a str, host: &str, path: &str) -> Result<&'a str, Page<'static>> {
    let mut lines = head.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (Some(method), Some(target), Some(_), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(Page::Refused(400));
    };
    let mut hosts = lines
        .filter_map(|line| line.split_once(':'))
        .filter(|(name, _)| name.eq_ignore_ascii_case("host"))
        .map(|(_, value)| value.trim());
    // A page that has turned its own name to this machine says that name.
    if hosts.next() != Some(host) || hosts.next().is_some() {
        return Err(Page::Refused(403));
    }
    if method != "GET" {
        return Err(Page::Refused(405));
    }
    let (asked, query) = target.split_once('?').unwrap_or((target, ""));
    // For some the path is what nobody else may know.
    if !bool::from(asked.as_bytes().ct_eq(path.as_bytes())) {
        return Err(Page::Refused(404));
    }
    Ok(query)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_path_of_one_host_is_taken() {
        let judge = |head: &str| match judge(head, "127.0.0.1:9", "/callback/x") {
            Ok(query) => query.to_owned(),
            Err(Page::Refused(status)) => status.to_string(),
            Err(_) => unreachable!("only refusals"),
        };
        let good = "Host: 127.0.0.1:9\r\n\r\n";
        for (head, wanted) in [
            (
                format!("GET /callback/x?code=a HTTP/1.1\r\n{good}"),
                "code=a",
            ),
            (format!("GET /callback/x HTTP/1.1\r\nA: b\r\n{good}"), ""),
            (format!("GET /callback/y?code=a HTTP/1.1\r\n{good}"), "404"),
            (format!("GET /callback/x/?code=a HTTP/1.1\r\n{good}"), "404"),
            (format!("GET /favicon.ico HTTP/1.1\r\n{good}"), "404"),
            (format!("POST /callback/x?code=a HTTP/1.1\r\n{good}"), "405"),
            (format!("HEAD /callback/x?code=a HTTP/1.1\r\n{good}"), "405"),
            (
                "GET /callback/x HTTP/1.1\r\nHost: evil.example\r\n\r\n".into(),
                "403",
            ),
            (
                "GET /callback/x HTTP/1.1\r\nHost: localhost:9\r\n\r\n".into(),
                "403",
            ),
            ("GET /callback/x HTTP/1.1\r\n\r\n".into(), "403"),
            (
                format!("GET /callback/x HTTP/1.1\r\nHost: evil.example\r\n{good}"),
                "403",
            ),
            ("\r\n\r\n".into(), "400"),
            (format!("GET /callback/x a b\r\n{good}"), "400"),
        ] {
            assert_eq!(judge(&head), wanted, "{head:?}");
        }
    }
}
