//! The prompts: fetched when a page shows them and followed while it does, and what the session on the page
//! was given of them.

use std::sync::Arc;

use crate::logic::prompts::{is_given, may_switch};
use crate::view::prelude::*;
use crate::web::error::ApiError;
use crate::web::task::spawn_local;
use crate::wire::Given;
use berth_protocol::{
    PromptChangeState, PromptId, PromptList, PromptScope, Session, SessionId, SystemPrompt,
};

use super::{App, effect};

/// What is known of the prompts.
#[derive(Clone, Default)]
pub struct Prompts {
    /// As they were when they were last fetched.
    pub list: Option<Arc<PromptList>>,
    /// Why they could not be fetched.
    pub failure: Option<ApiError>,
}

impl Prompts {
    pub fn all(&self) -> &[SystemPrompt] {
        self.list.as_ref().map_or(&[], |list| &list.prompts)
    }

    pub fn find(&self, id: PromptId) -> Option<&SystemPrompt> {
        self.all().iter().find(|prompt| prompt.id == id)
    }

    pub fn may_write(&self, scope: PromptScope) -> bool {
        let list = self.list.as_ref();
        list.is_some_and(|list| list.writable.contains(&scope))
    }

    /// Sessions of this user are given it.
    pub fn is_given(&self, prompt: &SystemPrompt) -> bool {
        let list = self.list.as_ref();
        list.is_some_and(|list| is_given(prompt, &list.declined))
    }

    /// The user can say whether sessions are given it.
    pub fn may_switch(&self, prompt: &SystemPrompt) -> bool {
        let list = self.list.as_ref();
        list.is_some_and(|list| may_switch(prompt, &list.writable))
    }

    /// Where the change of a prompt stands that its organization does not have yet.
    pub fn change(&self, id: PromptId) -> Option<PromptChangeState> {
        let list = self.list.as_ref()?;
        let found = list.changes.iter().find(|change| change.id == id);
        found.map(|change| change.state)
    }

    /// Takes a prompt as the engine has it now; its place in the order stays until all are fetched.
    pub fn take(&mut self, prompt: SystemPrompt) {
        if let Some(list) = &mut self.list {
            let all = &mut Arc::make_mut(list).prompts;
            match all.iter_mut().find(|known| known.id == prompt.id) {
                Some(known) => *known = prompt,
                None => all.push(prompt),
            }
        }
    }

    /// Takes the prompts of one scope in their order.
    pub fn take_order(&mut self, scope: PromptScope, order: Vec<SystemPrompt>) {
        if let Some(list) = &mut self.list {
            let all = &mut Arc::make_mut(list).prompts;
            let at = all.iter().position(|prompt| prompt.scope == scope);
            all.retain(|prompt| prompt.scope != scope);
            let at = at.unwrap_or(all.len()).min(all.len());
            all.splice(at..at, order);
        }
    }
}

impl App {
    /// Keeps the prompts known as long as the part of the page is there that asks for it.
    pub fn follow_prompts(self) {
        effect(move || {
            self.model.prompts_changed().track();
            // What an organization has changed comes with its sync, which is told like this.
            self.model.org().track();
            self.fetch_prompts();
        });
    }

    /// They may be others now: who shows them asks for them.
    pub(super) fn renew_prompts(self) {
        self.model.prompts_changed().update(|count| *count += 1);
    }

    /// Fetches the prompts. The answer counts if nothing was asked since: it could be older than that of
    /// the later question.
    pub fn fetch_prompts(self) {
        let this = self.prompts_asked.get_value() + 1;
        self.prompts_asked.set_value(this);
        spawn_local(async move {
            let answer = self.api().prompts().await;
            if self.prompts_asked.get_value() != this {
                return;
            }
            self.model.prompts().update(|prompts| match answer {
                Ok(list) => {
                    prompts.list = Some(Arc::new(list));
                    prompts.failure = None;
                }
                Err(error) => prompts.failure = Some(error),
            });
        });
    }

    /// A prompt, if it is known.
    pub fn prompt_now(self, id: PromptId) -> Option<SystemPrompt> {
        let prompts = self.model.prompts();
        prompts.with_untracked(|prompts| prompts.find(id).cloned())
    }

    /// Keeps known what a session was given, as long as its page is there.
    pub fn follow_given(self, id: SessionId, session: Memo<Option<Session>>) {
        let run = super::memo(move || session.see(|session| session.as_ref().map(|it| it.run)));
        let asked = StoredValue::new(0_u32);
        effect(move || {
            self.model.prompts_changed().track();
            if run.get().is_none() {
                return;
            }
            let this = asked.get_value() + 1;
            asked.set_value(this);
            spawn_local(async move {
                let answer = self.api().given_prompt(id).await;
                // The page may be another one now.
                if asked.try_get_value() == Some(this)
                    && let Ok(given) = answer
                {
                    self.model.given().set(Some((id, given)));
                }
            });
        });
    }

    /// What the session was given, once that is known.
    pub fn given(self, id: SessionId) -> Option<Given> {
        let given = self.model.given();
        given.see(|given| {
            let (of, given) = given.as_ref()?;
            (*of == id).then(|| given.clone())
        })
    }
}
