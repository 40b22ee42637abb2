//! The rest of a request that is answered before all of it was read.
//!
//! Closing a connection while the other side still writes makes the system reset it, and with that
//! the answer is lost before it could be read (RFC 9112, section 9.6). So whoever sends too much,
//! or to the wrong address, is listened to for a while after the answer.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    body::{Body, BodyDataStream, Bytes, HttpBody},
    extract::Request,
    http::header,
    middleware::Next,
    response::Response,
};
use futures::{Stream, StreamExt};

/// Bytes that are read and thrown away after an answer.
const MOST: usize = 16 * 1024 * 1024;

/// How long that may take.
const LONGEST: Duration = Duration::from_secs(2);

/// Reads on when nobody else wants the rest of the body.
pub async fn discard(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let asks = request.headers().contains_key(header::EXPECT);
    let request = request.map(|body| {
        Body::from_stream(Rest {
            body: Some(body.into_data_stream()),
            is_sent: !asks,
        })
    });
    next.run(request).await
}

/// A body, as far as it was not read yet.
struct Rest {
    body: Option<BodyDataStream>,
    /// The client sends it, and does not wait for being asked to.
    is_sent: bool,
}

impl Stream for Rest {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.is_sent = true;
        let Some(body) = &mut self.body else {
            return Poll::Ready(None);
        };
        let next = ready!(body.poll_next_unpin(cx));
        if !matches!(next, Some(Ok(_))) {
            self.body = None;
        }
        Poll::Ready(next)
    }
}

impl Drop for Rest {
    fn drop(&mut self) {
        let Some(mut body) = self.body.take().filter(|_| self.is_sent) else {
            return;
        };
        // The server is stopping when there is no runtime any more.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(tokio::time::timeout(LONGEST, async move {
                let mut read = 0;
                while let Some(Ok(bytes)) = body.next().await {
                    read += bytes.len();
                    if read > MOST {
                        break;
                    }
                }
            }));
        }
    }
}
