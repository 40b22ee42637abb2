//! One round of sync: where is the backend, what waits here, what has changed there, which audit events.

use berth_protocol::tenant::SCHEMA;
use berth_store::{Cursor, PushOutcome, PushVerdict, StoreError};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{
    Remedy, RemoteError, Sync,
    wire::{self, Answer, Appended, Head, Pulled, Pushed},
};
use crate::access::{Access, AccessError};

/// Rows that a page is asked to have. It has more only where one transaction has changed more.
const PAGE: u32 = 500;

/// How often a copy may be begun anew within a round; a backend that always wants that is asked later.
const RESETS: u32 = 3;

/// How often a call whose transaction was in another's way is made again at once.
const AT_ONCE: u32 = 5;

/// What the backend says of a change that cannot be one of what it has.
const INVALID: &str = "sync.invalid";

/// Why a round did not come to its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Remote(#[from] RemoteError),
    #[error(transparent)]
    Access(#[from] AccessError),
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The backend's schema is another one.
    #[error("the backend has schema {0:?}, and this version knows {SCHEMA}")]
    Schema(Option<u32>),
    /// The user is no member.
    #[error("the user is not a member of the organization")]
    Left,
}

impl<A: Access> Sync<A> {
    /// Does all that there is to do.
    pub(super) async fn round(&self) -> Result<(), Failure> {
        let head = self.head().await?;
        let cursor = self.cursor().await?;
        // What waits here is compared with what the backend has before it is sent: after a restored backup a
        // revision is another one, and after a change of rights a row may be gone.
        let is_elsewhere = is_elsewhere(&head, &cursor);
        if is_elsewhere {
            self.pull().await?;
        }
        let is_global = self.tenant.is_global();
        let mut is_behind = !is_elsewhere && head.rev != cursor.rev;
        let mut may_hold = !is_global;
        loop {
            let has_sent = !is_global && self.push().await?;
            if !has_sent && !is_behind {
                // What this machine tells of itself holds. Once in a round: who contradicts for ever is asked later.
                if std::mem::take(&mut may_hold) && self.store.hold_told(self.tenant).await? {
                    continue;
                }
                break;
            }
            // What waited behind a change that was sent can be sent once that is seen.
            self.pull().await?;
            is_behind = false;
        }
        self.store.organization_is_fresh(self.tenant).await?;
        if !is_global {
            self.send_audit().await?;
        }
        Ok(())
    }

    async fn head(&self) -> Result<Head, Failure> {
        let head: Head = self
            .call("sync_head", &json!({"org": self.tenant.org}))
            .await?;
        match head.schema {
            SCHEMA => Ok(head),
            other => Err(Failure::Schema(Some(other))),
        }
    }

    async fn cursor(&self) -> Result<Cursor, Failure> {
        match self.store.organization(self.tenant).await? {
            Some(organization) => Ok(organization.cursor),
            None => Err(StoreError::TenantNotFound(self.tenant).into()),
        }
    }

    /// Sends the user's changes until none waits; says whether there were any.
    async fn push(&self) -> Result<bool, Failure> {
        let mut has_sent = false;
        // Once: a backend that is another one each time would have the same sent for ever.
        let mut was_overtaken = false;
        let mut limit = wire::PUSH_CHANGES;
        loop {
            let mut bytes = 0;
            let fits = |change: &berth_store::Outgoing| {
                bytes += wire::stored_bytes(&wire::mutation(change)) + 2;
                bytes <= wire::PUSH_BYTES
            };
            let sent = self.store.take_outgoing(self.tenant, limit, fits).await?;
            if sent.is_empty() {
                return Ok(has_sent);
            }
            has_sent = true;
            let mutations: Vec<Value> = sent.iter().map(wire::mutation).collect();
            let arguments =
                json!({"org": self.tenant.org, "device": self.device, "mutations": mutations});
            let outcomes = match self.call::<Vec<Pushed>>("sync_push", &arguments).await {
                Ok(answers) => {
                    limit = (limit * 2).min(wire::PUSH_CHANGES);
                    wire::pushed(&sent, answers)?
                }
                Err(Failure::Remote(error)) => match (error.about_what_was_sent(), &sent[..]) {
                    (Some((code, message)), [only]) => vec![PushOutcome {
                        id: only.id,
                        verdict: PushVerdict::Rejected {
                            code: code.to_owned(),
                            reason: Some(message.to_owned()),
                        },
                    }],
                    // One of them is meant; sent alone, it is known which.
                    (Some(_), _) => {
                        limit = 1;
                        continue;
                    }
                    (None, _) => return Err(error.into()),
                },
                Err(failure) => return Err(failure),
            };
            self.store.settle_outgoing(self.tenant, &outcomes).await?;
            if !was_overtaken {
                was_overtaken = self.send_overtaken(&outcomes).await?;
            }
        }
    }

    /// Has changes sent again that were refused because the backend became another one after this round had asked where
    /// it is, as by a backup that was restored: their revisions are none of it. Says whether that was so.
    async fn send_overtaken(&self, outcomes: &[PushOutcome]) -> Result<bool, Failure> {
        let is_invalid = |verdict: &PushVerdict| matches!(verdict, PushVerdict::Rejected { code, .. } if code == INVALID);
        let refused = outcomes.iter().filter(|it| is_invalid(&it.verdict));
        let refused: Vec<_> = refused.map(|it| it.id).collect();
        if refused.is_empty() || !is_elsewhere(&self.head().await?, &self.cursor().await?) {
            return Ok(false);
        }
        self.pull().await?;
        for id in refused {
            match self.store.retry_parked(self.tenant, id).await {
                // What this machine tells by itself is told again in its own time, and the row may be gone.
                Ok(_) | Err(StoreError::MutationNotFound(_) | StoreError::ToldFact { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(true)
    }

    /// Takes in pages until there is none left.
    async fn pull(&self) -> Result<(), Failure> {
        let (mut size, mut resets) = (PAGE, 0);
        loop {
            let cursor = self.cursor().await?;
            let (since, token) = cursor.staged.unwrap_or((cursor.rev, cursor.token));
            let arguments =
                json!({"org": self.tenant.org, "since": since, "token": token, "size": size});
            let answer = match self.call::<Pulled>("sync_pull", &arguments).await {
                Ok(answer) => wire::pulled(since, answer)?,
                Err(Failure::Remote(error)) if error.remedy() == Remedy::Smaller && size > 1 => {
                    size = (size / 4).max(1);
                    continue;
                }
                Err(failure) => return Err(failure),
            };
            match answer {
                Answer::Reset if resets < RESETS => {
                    resets += 1;
                    self.store.begin_copy(self.tenant).await?;
                }
                Answer::Reset => {
                    return Err(Failure::Remote(RemoteError::NotUnderstood {
                        function: "sync_pull",
                        why: "every copy is to be begun anew".to_owned(),
                    }));
                }
                Answer::Page(page) => {
                    self.store.apply_page(self.tenant, &page).await?;
                    if page.is_last {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Sends the audit events that belong to the organization, in their order.
    async fn send_audit(&self) -> Result<(), Failure> {
        let mut limit = wire::AUDIT_EVENTS;
        loop {
            let events = self.store.audit_outgoing(self.tenant, limit).await?;
            let batch = wire::audit_batch(self.device, self.tenant, &events);
            let Some(last) = batch.len().checked_sub(1) else {
                return Ok(());
            };
            let arguments = json!({"org": self.tenant.org, "device": self.device, "events": batch});
            let (refused, code) = match self.call::<Vec<Appended>>("audit_append", &arguments).await
            {
                Ok(answers) => {
                    limit = (limit * 2).min(wire::AUDIT_EVENTS);
                    refused(&batch, &answers)?
                }
                Err(Failure::Remote(error)) => match error.about_what_was_sent() {
                    Some((code, _)) if batch.len() == 1 => (1, Some(code.to_owned())),
                    Some(_) => {
                        limit = 1;
                        continue;
                    }
                    None => return Err(error.into()),
                },
                Err(failure) => return Err(failure),
            };
            self.store
                .audit_answered(self.tenant, events[last].seq, refused, code.as_deref())
                .await?;
        }
    }

    /// Calls a function as the user, with another token if the first is refused.
    async fn call<T: DeserializeOwned>(
        &self,
        function: &'static str,
        arguments: &Value,
    ) -> Result<T, Failure> {
        let mut token = self.access.access().await?;
        let (mut is_second, mut at_once) = (false, 0);
        loop {
            let error = match self.remote.call(function, &token, arguments).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            match error.remedy() {
                Remedy::AtOnce if at_once < AT_ONCE => at_once += 1,
                Remedy::Refresh if !is_second => {
                    is_second = true;
                    token = self.access.access_after_refusal(&token).await?;
                }
                Remedy::Refresh => return Err(AccessError::SignedOut.into()),
                // Everybody may read what belongs to no organization, once they are somebody.
                Remedy::Leave if self.tenant.is_global() => {
                    return Err(AccessError::SignedOut.into());
                }
                Remedy::Leave => return Err(Failure::Left),
                Remedy::OldSchema => return Err(Failure::Schema(None)),
                Remedy::AtOnce | Remedy::Wait | Remedy::Smaller | Remedy::Park => {
                    return Err(error.into());
                }
            }
        }
    }
}

/// How many events of a batch the backend has refused, and why the last of them.
fn refused(batch: &[Value], answers: &[Appended]) -> Result<(u32, Option<String>), RemoteError> {
    let wrong = |why: &str| RemoteError::NotUnderstood {
        function: "audit_append",
        why: why.to_owned(),
    };
    if batch.len() != answers.len() {
        return Err(wrong("not every event has one answer"));
    }
    let (mut count, mut code) = (0, None);
    for (event, answer) in batch.iter().zip(answers) {
        if event["id"] != json!(answer.id) {
            return Err(wrong("the answers are not in the order of the events"));
        }
        match answer.status.as_str() {
            "stored" | "duplicate" => {}
            "rejected" => {
                count += 1;
                code.clone_from(&answer.code);
            }
            _ => return Err(wrong("what became of an event is not said")),
        }
    }
    Ok((count, code))
}

/// The copy here is not one of what the backend has now.
fn is_elsewhere(head: &Head, cursor: &Cursor) -> bool {
    cursor.staged.is_some() || cursor.token.as_ref() != Some(&head.token) || head.rev < cursor.rev
}
