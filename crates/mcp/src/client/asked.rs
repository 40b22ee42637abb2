//! What a server may ask of its client, and tell it besides its answers.

use std::{pin::Pin, sync::Arc};

use rmcp::{
    ClientHandler, ErrorData, RoleClient,
    model::{
        ClientConfig, CreateMessageRequestParams, CreateMessageResult, ElicitRequestParams,
        ElicitResult, ElicitationAction, ElicitationCapability, FormElicitationCapability,
        Implementation, ListRootsResult, LoggingMessageNotificationParam,
        ProgressNotificationParam, Root, UrlElicitationCapability,
    },
    service::{NotificationContext, RequestContext},
};
use serde_json::Value;
use tokio::sync::watch;

use super::progress::Following;

/// An answer that comes later.
pub type Answered<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A user's answer to a form or a page of a server.
#[derive(Clone, Debug, PartialEq)]
pub enum Elicited {
    /// They have filled it in; `None` for a page.
    Accepted(Option<Value>),
    /// They do not want to.
    Declined,
    /// They have closed it.
    Cancelled,
}

/// Who answers what a server asks. What is not implemented is not offered to it and denied.
pub trait Asked: Send + Sync + 'static {
    /// What is offered.
    fn offers(&self) -> Offers {
        Offers::default()
    }

    /// Asks the user to fill in a form or to open a page: the parameters of `elicitation/create`.
    fn elicit(&self, _request: Value) -> Answered<'_, Elicited> {
        Box::pin(std::future::ready(Elicited::Declined))
    }

    /// Asks for a model's answer: the parameters of `sampling/createMessage`, answered by its result, or by
    /// nothing when that is denied.
    fn sample(&self, _request: Value) -> Answered<'_, Option<Value>> {
        Box::pin(std::future::ready(None))
    }

    /// The folders that a server may know of, as `file://` addresses.
    fn roots(&self) -> Answered<'_, Vec<String>> {
        Box::pin(std::future::ready(Vec::new()))
    }

    /// A server says how far it is: the parameters of `notifications/progress`.
    fn progress(&self, _said: Value) {}

    /// A server logs something: the parameters of `notifications/message`.
    fn logged(&self, _said: Value) -> Answered<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// What is offered to a server.
#[derive(Clone, Copy, Debug, Default)]
pub struct Offers {
    /// Forms.
    pub forms: bool,
    /// Pages that the user opens.
    pub pages: bool,
    /// Answers of a model.
    pub sampling: bool,
    /// Folders.
    pub roots: bool,
}

/// Offers what an agent's user is asked, and answers nothing of it: so a server says the same of itself to whoever
/// tests it as to an agent.
pub struct Absent;

impl Asked for Absent {
    fn offers(&self) -> Offers {
        Offers {
            forms: true,
            pages: true,
            ..Offers::default()
        }
    }

    fn elicit(&self, _request: Value) -> Answered<'_, Elicited> {
        Box::pin(std::future::ready(Elicited::Cancelled))
    }
}

/// Denies everything.
pub(super) struct Nobody;

impl Asked for Nobody {}

/// How many tools are called over a connection at the moment.
#[derive(Clone, Default)]
pub(super) struct Calls(Arc<watch::Sender<usize>>);

/// A call that is under way, until it is dropped.
pub(super) struct UnderWay(Calls);

impl Calls {
    pub(super) fn begin(&self) -> UnderWay {
        self.0.send_modify(|calls| *calls += 1);
        UnderWay(self.clone())
    }

    /// Waits until nobody calls anything.
    async fn over(&self) {
        // Its sender is here.
        let _ = self.0.subscribe().wait_for(|calls| *calls == 0).await;
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.0.send_modify(|calls| *calls -= 1);
    }
}

/// The client as rmcp wants it.
#[derive(Clone)]
pub(super) struct Handler {
    pub(super) asked: Arc<dyn Asked>,
    pub(super) calls: Calls,
    pub(super) following: Following,
}

fn shown<T: serde::Serialize>(said: &T) -> Value {
    serde_json::to_value(said).unwrap_or_default()
}

impl ClientHandler for Handler {
    fn get_info(&self) -> ClientConfig {
        let mut config = ClientConfig::default();
        config.client_info = Implementation::new("berth", env!("CARGO_PKG_VERSION"));
        let offers = self.asked.offers();
        if offers.forms || offers.pages {
            let mut both = ElicitationCapability::new();
            if offers.forms {
                both =
                    both.with_form(FormElicitationCapability::new().with_schema_validation(true));
            }
            if offers.pages {
                both = both.with_url(UrlElicitationCapability::new());
            }
            config.capabilities.elicitation = Some(both);
        }
        if offers.sampling {
            config.capabilities.sampling = Some(Default::default());
        }
        if offers.roots {
            config.capabilities.roots = Some(Default::default());
        }
        config
    }

    async fn create_elicitation(
        &self,
        request: ElicitRequestParams,
        context: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        let offers = self.asked.offers();
        let is_offered = match &request {
            ElicitRequestParams::FormElicitationParams { .. } => offers.forms,
            ElicitRequestParams::UrlElicitationParams { .. } => offers.pages,
            _ => false,
        };
        if !is_offered {
            return Ok(ElicitResult::new(ElicitationAction::Decline));
        }
        let elicited = tokio::select! {
            biased;
            // The server does not want to know any more, or is gone.
            () = context.ct.cancelled() => Elicited::Cancelled,
            // Nobody is asked for nothing: a question belongs to a call, and ends with it.
            () = self.calls.over() => Elicited::Cancelled,
            elicited = self.asked.elicit(shown(&request)) => elicited,
        };
        Ok(match elicited {
            Elicited::Accepted(content) => {
                let accepted = ElicitResult::new(ElicitationAction::Accept);
                match content {
                    Some(content) => accepted.with_content(content),
                    None => accepted,
                }
            }
            Elicited::Declined => ElicitResult::new(ElicitationAction::Decline),
            Elicited::Cancelled => ElicitResult::new(ElicitationAction::Cancel),
        })
    }

    async fn create_message(
        &self,
        request: CreateMessageRequestParams,
        context: RequestContext<RoleClient>,
    ) -> Result<CreateMessageResult, ErrorData> {
        let denied = || ErrorData::invalid_request("the user does not allow this", None);
        if !self.asked.offers().sampling {
            return Err(denied());
        }
        let answer = tokio::select! {
            biased;
            () = context.ct.cancelled() => None,
            // As for elicitation.
            () = self.calls.over() => None,
            answer = self.asked.sample(shown(&request)) => answer,
        };
        let understood = serde_json::from_value(answer.ok_or_else(denied)?);
        understood.map_err(|error| ErrorData::internal_error(error.to_string(), None))
    }

    async fn list_roots(
        &self,
        _context: RequestContext<RoleClient>,
    ) -> Result<ListRootsResult, ErrorData> {
        let roots = if self.asked.offers().roots {
            let roots = self.asked.roots().await;
            roots.into_iter().map(Root::new).collect()
        } else {
            Vec::new()
        };
        Ok(ListRootsResult::new(roots))
    }

    async fn on_progress(
        &self,
        said: ProgressNotificationParam,
        _context: NotificationContext<RoleClient>,
    ) {
        self.asked.progress(shown(&said));
        self.following.tell(said);
    }

    async fn on_logging_message(
        &self,
        said: LoggingMessageNotificationParam,
        _context: NotificationContext<RoleClient>,
    ) {
        self.asked.logged(shown(&said)).await;
    }
}
