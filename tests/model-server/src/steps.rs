//! An answer as a list of things to do, and the HTTP body that does them.

use std::{collections::VecDeque, convert::Infallible, time::Duration};

use axum::body::Body;
use bytes::Bytes;
use serde_json::Value;

use crate::{
    log::Pending,
    turn::{Answer, Text},
};

/// One thing to do while answering.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Send(Bytes),
    Wait(Duration),
    /// Sends nothing more and does not end.
    Hang,
}

impl Step {
    /// A server-sent event of an API that repeats its name in the data.
    pub(crate) fn event(data: &Value) -> Self {
        let name = data["type"].as_str().unwrap_or("message");
        Self::Send(format!("event: {name}\ndata: {data}\n\n").into())
    }

    /// A server-sent event of an API whose events have no names.
    pub(crate) fn data(data: &Value) -> Self {
        Self::Send(format!("data: {data}\n\n").into())
    }

    /// The end of a stream of Chat Completions.
    pub(crate) fn done() -> Self {
        Self::Send("data: [DONE]\n\n".into())
    }

    pub(crate) fn json(data: &Value) -> Self {
        Self::Send(data.to_string().into())
    }
}

/// The steps of an answer that is sent as one document.
pub(crate) fn document(answer: &Answer, document: &Value) -> Vec<Step> {
    match answer {
        Answer::Hang { .. } => vec![Step::Hang],
        Answer::Text(Text { wait, .. }) => vec![Step::Wait(*wait), Step::json(document)],
        _ => vec![Step::json(document)],
    }
}

/// A body that does `steps` and then reports to the log that the answer is finished.
///
/// The connection asks for the end of the body only after it took the last piece, so the time in
/// the log is that of the last byte, not of the last piece prepared.
pub(crate) fn body(steps: Vec<Step>, pending: Pending) -> Body {
    let state = (VecDeque::from(steps), pending);
    Body::from_stream(futures::stream::unfold(
        state,
        |(mut steps, mut pending)| async move {
            loop {
                match steps.pop_front() {
                    Some(Step::Send(bytes)) => {
                        return Some((Ok::<_, Infallible>(bytes), (steps, pending)));
                    }
                    Some(Step::Wait(time)) => tokio::time::sleep(time).await,
                    Some(Step::Hang) => std::future::pending::<()>().await,
                    None => {
                        pending.finish();
                        return None;
                    }
                }
            }
        },
    ))
}

/// The steps in a form to compare in tests: what is sent, and the rest in brackets.
#[cfg(test)]
pub(crate) fn show(steps: &[Step]) -> String {
    let show = |step: &Step| match step {
        Step::Send(bytes) => {
            let text = String::from_utf8_lossy(bytes);
            let data = text.lines().find_map(|line| line.strip_prefix("data: "));
            format!("{}\n", data.unwrap_or(&text))
        }
        Step::Wait(time) => format!("[wait {time:?}]\n"),
        Step::Hang => "[hang]\n".to_owned(),
    };
    steps.iter().map(show).collect()
}
