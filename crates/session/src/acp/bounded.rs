//! An agent's output, of which no line is longer than it may be: each is kept in memory until it ends.

use std::{
    io::{Error, ErrorKind},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, ReadBuf};

/// Longest line, in bytes. A tool's output stands in one, and a picture may.
pub const LINE: usize = 64 * 1024 * 1024;

/// Reads until a line is too long.
pub struct Bounded<R> {
    inner: R,
    limit: usize,
    /// Bytes since the last line end.
    line: usize,
    overrun: Arc<AtomicBool>,
}

impl<R> Bounded<R> {
    pub fn new(inner: R, limit: usize) -> Self {
        Self {
            inner,
            limit,
            line: 0,
            overrun: Arc::default(),
        }
    }

    /// Becomes true when a line is too long: what is made of the error may not tell it from another.
    pub fn overrun(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.overrun)
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Bounded<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(context, buffer))?;
        let new = buffer.filled().get(before..).unwrap_or_default();
        self.line = match memchr::memrchr(b'\n', new) {
            Some(at) => new.len().saturating_sub(at + 1),
            None => self.line.saturating_add(new.len()),
        };
        if self.line > self.limit {
            // With an error nothing may have been read.
            buffer.set_filled(before);
            self.overrun.store(true, Ordering::Relaxed);
            return Poll::Ready(Err(Error::new(
                ErrorKind::InvalidData,
                "a line is too long",
            )));
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    async fn read(text: &[u8]) -> std::io::Result<usize> {
        let mut all = Vec::new();
        Bounded::new(text, 4).read_to_end(&mut all).await
    }

    #[tokio::test]
    async fn lines_may_be_as_long_as_the_limit() {
        assert_eq!(read(b"four\nfour\n\nfour").await.unwrap(), 15);
        assert_eq!(read(b"fives\n").await.unwrap(), 6, "its end was in sight");
    }

    #[tokio::test]
    async fn a_line_without_an_end_is_an_error() {
        let error = read(b"four\nfives").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
    }
}
