//! Server-sent events, read piece by piece.
//!
//! `EventSource` cannot send an `Authorization` header, so the stream is fetched and parsed here,
//! after the HTML standard, section 9.2.6.

/// One event of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SseEvent {
    /// The last `id` that the stream has sent, for resuming.
    pub id: Option<String>,
    /// Its `event` name; empty for the default.
    pub name: String,
    /// Its `data` lines joined by line feeds.
    pub data: String,
}

/// Parser of one stream. Pieces may be cut anywhere, inside a character too.
#[derive(Debug, Default)]
pub struct SseParser {
    line: Vec<u8>,
    after_cr: bool,
    started: bool,
    last_id: Option<String>,
    name: String,
    data: Option<String>,
}

impl SseParser {
    /// Reads the next piece and returns the events that it completed.
    pub fn push(&mut self, piece: &[u8]) -> Vec<SseEvent> {
        let mut events = Vec::new();
        for &byte in piece {
            let was_cr = std::mem::replace(&mut self.after_cr, byte == b'\r');
            match byte {
                b'\n' if was_cr => {}
                b'\n' | b'\r' => events.extend(self.end_line()),
                _ => self.line.push(byte),
            }
        }
        events
    }

    fn end_line(&mut self) -> Option<SseEvent> {
        let bytes = std::mem::take(&mut self.line);
        let text = String::from_utf8_lossy(&bytes);
        let mut line = text.as_ref();
        if !self.started {
            self.started = true;
            line = line.trim_start_matches('\u{feff}');
        }
        if line.is_empty() {
            return self.dispatch();
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.name),
            "data" => match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.data = Some(value.to_owned()),
            },
            "id" if !value.contains('\0') => self.last_id = Some(value.to_owned()),
            _ => {}
        }
        None
    }

    fn dispatch(&mut self) -> Option<SseEvent> {
        let name = std::mem::take(&mut self.name);
        let data = self.data.take()?;
        Some(SseEvent {
            id: self.last_id.clone(),
            name,
            data,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(stream: &str, expected: &[(Option<&str>, &str, &str)]) {
        let expected: Vec<_> = expected
            .iter()
            .map(|(id, name, data)| SseEvent {
                id: id.map(str::to_owned),
                name: (*name).to_owned(),
                data: (*data).to_owned(),
            })
            .collect();
        for size in [1, 2, 3, 7, stream.len().max(1)] {
            let mut parser = SseParser::default();
            let events: Vec<_> = stream
                .as_bytes()
                .chunks(size)
                .flat_map(|p| parser.push(p))
                .collect();
            assert_eq!(events, expected, "cut into pieces of {size}");
        }
    }

    #[test]
    fn events_are_the_same_however_the_stream_is_cut() {
        check(
            "id: 7\nevent: session_changed\ndata: {\"a\":\"ä→\"}\n\n: keep-alive\n\nid: 8\ndata: x\n\n",
            &[
                (Some("7"), "session_changed", "{\"a\":\"ä→\"}"),
                (Some("8"), "", "x"),
            ],
        );
    }

    #[test]
    fn all_line_ends_count() {
        check(
            "data: a\r\n\r\ndata: b\r\rdata: c\n\n",
            &[(None, "", "a"), (None, "", "b"), (None, "", "c")],
        );
    }

    #[test]
    fn data_lines_are_joined_and_an_unfinished_event_waits() {
        check("data: a\ndata: b\n\ndata: c\n", &[(None, "", "a\nb")]);
    }

    #[test]
    fn an_event_without_data_is_none_but_keeps_its_id() {
        check("\u{feff}id: 3\n\ndata:x\n\n", &[(Some("3"), "", "x")]);
    }
}
