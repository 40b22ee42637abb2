//! What a server asks and says during a session, besides answering: questions to its user, answers of the agent's
//! model, the session's folder, and its log.

use std::sync::atomic::{AtomicU32, Ordering};

use berth_mcp::{
    Answered, Asked, Elicited, Offers,
    gateway::{Agents, Outcome},
};
use berth_protocol::McpOffers;
use serde_json::{Value, json};
use tokio::{sync::Mutex, task::JoinHandle};

use super::{
    Of,
    asking::{self, Request},
    form,
    sample::{self, Plain},
};
use crate::mcp;

/// Most questions of a server over one connection: more of them are answered by nobody.
const QUESTIONS: u32 = 50;

/// What a server wants to know of its user is asked in the session, one question after the other.
pub(super) struct Asker {
    of: Of,
    offers: McpOffers,
    agents: Agents,
    asked: AtomicU32,
    one: Mutex<()>,
}

impl Asker {
    pub(super) fn new(of: Of, offers: McpOffers, agents: Agents) -> Self {
        Self {
            of,
            offers,
            agents,
            asked: AtomicU32::new(0),
            one: Mutex::new(()),
        }
    }

    /// Counts a question before anything is done about it; says whether there were too many.
    fn asks_too_much(&self) -> bool {
        let before = self.asked.fetch_add(1, Ordering::Relaxed);
        if before == QUESTIONS {
            let (session, server) = (self.of.session, &self.of.given.draft.name);
            tracing::warn!(%session, %server, "an MCP server asks too much, and gets no more answers");
        }
        before >= QUESTIONS
    }

    /// Puts a question, unless the server is not allowed any more; nothing then.
    async fn ask(&self, request: Request) -> Option<Elicited> {
        let Of {
            state,
            session,
            given,
            ..
        } = &self.of;
        let server = &given.draft.name;
        let _one = self.one.lock().await;
        self.of.now().await.ok()?;
        let elicited = asking::elicit(state, *session, given.id, server, request).await;
        // It took as long as somebody thought about it.
        self.of.now().await.ok()?;
        Some(elicited)
    }

    /// Has the model of the session's agent answer, if its user allows it.
    async fn answer(&self, request: Value) -> Option<Value> {
        let draft = self.of.now().await.ok()?.draft;
        if !draft.offers.sampling {
            return None;
        }
        if !self.agents.offer_sampling() {
            tracing::warn!(
                session = %self.of.session, server = %draft.name,
                "an MCP server asks for answers of a model, which the agent does not offer"
            );
            return None;
        }
        let Some(Plain { request, shown }) = sample::plain(&request) else {
            tracing::warn!(
                session = %self.of.session, server = %draft.name,
                "what an MCP server asks a model is more than words that somebody can read"
            );
            return None;
        };
        let Some(Elicited::Accepted(_)) = self.ask(Request::Sample(shown)).await else {
            return None;
        };
        // It took as long as somebody thought about it.
        match self.of.now().await {
            Ok(now) if now.draft.offers.sampling => self.agents.sample(request).await,
            _ => None,
        }
    }
}

/// A wish for an answer of a model that is not in the trail yet. Dropped, it was cut off, and is noted as that.
struct Sampling(Option<Of>);

impl Sampling {
    /// Notes what became of it, once, and to the end whoever waits for that.
    fn note(&mut self, outcome: Outcome) -> Option<JoinHandle<()>> {
        let of = self.0.take()?;
        // The engine is stopping when there is no runtime any more.
        let runtime = tokio::runtime::Handle::try_current().ok()?;
        Some(runtime.spawn(async move {
            let details = json!({
                "by": "server",
                "outcome": outcome.word(),
                "session_id": of.session,
            });
            of.note_call("mcp.sampled", details).await;
        }))
    }
}

impl Drop for Sampling {
    fn drop(&mut self) {
        drop(self.note(Outcome::Cancelled));
    }
}

impl Asked for Asker {
    fn offers(&self) -> Offers {
        Offers {
            forms: true,
            pages: true,
            sampling: self.offers.sampling,
            roots: self.offers.roots,
        }
    }

    fn elicit(&self, request: Value) -> Answered<'_, Elicited> {
        Box::pin(async move {
            if self.asks_too_much() {
                return Elicited::Cancelled;
            }
            let server = mcp::sign_in::address(&self.of.given.draft.server);
            let elicited = match understood(request, server) {
                Some(request) => self.ask(request).await,
                None => None,
            };
            elicited.unwrap_or(Elicited::Cancelled)
        })
    }

    fn sample(&self, request: Value) -> Answered<'_, Option<Value>> {
        Box::pin(async move {
            if self.asks_too_much() {
                return None;
            }
            let mut sampling = Sampling(Some(self.of.clone()));
            let answer = self.answer(request).await;
            let outcome = match &answer {
                Some(_) => Outcome::Answered,
                None => Outcome::Refused,
            };
            if let Some(noted) = sampling.note(outcome) {
                // It fails with the engine alone.
                let _ = noted.await;
            }
            answer
        })
    }

    fn roots(&self) -> Answered<'_, Vec<String>> {
        Box::pin(async move {
            match self.of.now().await {
                Ok(now) if now.draft.offers.roots => {
                    let folder = url::Url::from_directory_path(&self.of.folder);
                    folder.map(String::from).into_iter().collect()
                }
                _ => Vec::new(),
            }
        })
    }

    fn logged(&self, said: Value) -> Answered<'_, ()> {
        Box::pin(self.agents.log(said))
    }
}

/// What a server asks, if it can be shown to somebody: the parameters of `elicitation/create`.
fn understood(mut request: Value, server: Option<&str>) -> Option<Request> {
    let message = request["message"].as_str().unwrap_or_default().to_owned();
    let refused = match request["mode"].as_str() {
        Some("url") => {
            let page = request["url"].as_str();
            match page.and_then(|page| berth_mcp::page_address(page, server)) {
                Some(url) => return Some(Request::Page(message, url)),
                None => "its page is none that it may have opened",
            }
        }
        _ => {
            let schema = request["requestedSchema"].take();
            match form::refuses(&schema) {
                None => return Some(Request::Form(message, schema)),
                Some(why) => why,
            }
        }
    };
    tracing::warn!(
        why = refused,
        "what an MCP server asks its user is not shown"
    );
    None
}
