//! Server-sent events as a client reads them (HTML Living Standard, section 9.2).

use reqwest::Response;

/// One event of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// The id to go on from, when it has one.
    pub id: Option<String>,
    /// Its name; empty when it has none.
    pub name: String,
    /// Its data, the lines joined by line feeds.
    pub data: String,
}

/// A stream that is open.
pub struct Stream {
    response: Response,
    parser: Parser,
}

impl Stream {
    pub fn new(response: Response) -> Self {
        Self {
            response,
            parser: Parser::default(),
        }
    }

    /// The next event; `None` when the server has ended the stream.
    pub async fn next(&mut self) -> Result<Option<Sent>, reqwest::Error> {
        loop {
            if let Some(sent) = self.parser.next() {
                return Ok(Some(sent));
            }
            match self.response.chunk().await? {
                Some(bytes) => self.parser.feed(&bytes),
                None => return Ok(None),
            }
        }
    }
}

/// Bytes in, events out.
#[derive(Default)]
struct Parser {
    /// What has come; what stands before `read` has been used.
    buffer: Vec<u8>,
    read: usize,
    event: Sent,
    has_data: bool,
}

impl Parser {
    fn feed(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.read);
        self.read = 0;
        self.buffer.extend_from_slice(bytes);
    }

    fn next(&mut self) -> Option<Sent> {
        loop {
            let rest = &self.buffer[self.read..];
            let end = rest.iter().position(|byte| *byte == b'\n')?;
            let line = String::from_utf8_lossy(&rest[..end]);
            let line = line.strip_suffix('\r').unwrap_or(&line).to_owned();
            self.read += end + 1;
            if let Some(sent) = self.line(&line) {
                return Some(sent);
            }
        }
    }

    fn line(&mut self, line: &str) -> Option<Sent> {
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            // An event without data is none; a comment keeps the connection alive and says nothing.
            return std::mem::take(&mut self.has_data).then_some(event);
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" => self.event.id = Some(value.to_owned()),
            "event" => value.clone_into(&mut self.event.name),
            "data" => {
                if self.has_data {
                    self.event.data.push('\n');
                }
                self.has_data = true;
                self.event.data.push_str(value);
            }
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However the bytes are cut, the same events come out.
    fn check(bytes: &str, expected: &[(Option<&str>, &str, &str)]) {
        for cut in 1..=bytes.len() {
            let mut parser = Parser::default();
            let mut events = Vec::new();
            for piece in bytes.as_bytes().chunks(cut) {
                parser.feed(piece);
                while let Some(sent) = parser.next() {
                    events.push(sent);
                }
            }
            let events: Vec<_> = events
                .iter()
                .map(|sent| (sent.id.as_deref(), sent.name.as_str(), sent.data.as_str()))
                .collect();
            assert_eq!(events, expected, "in pieces of {cut}");
        }
    }

    #[test]
    fn an_event_ends_at_an_empty_line_and_keeps_its_fields() {
        check(
            ": connected\n\nid: a-1\nevent: screen\ndata: {\"ü\": 1}\n\n",
            &[(Some("a-1"), "screen", "{\"ü\": 1}")],
        );
    }

    #[test]
    fn lines_of_data_are_joined_and_events_without_data_are_none() {
        check(
            "event: none\n\ndata: one\r\ndata:two\r\n\r\nretry: 1\ndata\n\ndata: unfinished\n",
            &[(None, "", "one\ntwo"), (None, "", "")],
        );
    }
}
