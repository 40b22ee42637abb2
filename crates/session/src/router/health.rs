//! Asks whether the router answers, and whether it is this one.

use std::{net::Ipv4Addr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// How long an answer may take. A stranger on the port may never give one.
const PATIENCE: Duration = Duration::from_secs(2);

/// Longest answer that is read, in bytes.
const LONGEST: u64 = 16 * 1024;

/// Whether the router with this mark answers at the port. By hand and not with an HTTP client: it must
/// not go through a proxy, and nothing but the head of one answer is of interest.
pub async fn answers(port: u16, mark: &str) -> bool {
    let answer = tokio::time::timeout(PATIENCE, ask(port)).await;
    answer.is_ok_and(|answer| answer.is_ok_and(|answer| is_healthy(&answer, mark)))
}

async fn ask(port: u16) -> std::io::Result<Vec<u8>> {
    let mut connection = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    let request =
        format!("GET /health HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    connection.take(LONGEST).read_to_end(&mut answer).await?;
    Ok(answer)
}

fn is_healthy(answer: &[u8], mark: &str) -> bool {
    let answer = String::from_utf8_lossy(answer);
    let head = answer.split("\r\n\r\n").next().unwrap_or_default();
    let mut rows = head.split("\r\n");
    let status = rows.next().and_then(|row| row.split(' ').nth(1));
    let mut headers = rows.filter_map(|row| row.split_once(':'));
    let is_ours = headers
        .any(|(name, value)| name.eq_ignore_ascii_case("x-berth-router") && value.trim() == mark);
    status == Some("200") && is_ours
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stranger_who_says_nothing_is_not_waited_for() {
        let stranger = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = stranger.local_addr().unwrap().port();
        assert!(!answers(port, "m1").await);
    }

    #[test]
    fn only_this_router_is_taken_for_healthy() {
        let good = b"HTTP/1.1 200 OK\r\nX-Berth-Router: m1\r\n\r\n{}";
        assert!(is_healthy(good, "m1"));
        assert!(!is_healthy(good, "m2"));
        assert!(!is_healthy(
            b"HTTP/1.1 503 No\r\nx-berth-router: m1\r\n\r\n",
            "m1"
        ));
        assert!(!is_healthy(
            b"HTTP/1.1 200 OK\r\n\r\nx-berth-router: m1",
            "m1"
        ));
        assert!(!is_healthy(b"", "m1"));
    }
}
