//! How it stands with organizations. The page knows it as the engine has sent it, from the start on; it is read where
//! it is shown, which is loaded later.

use std::sync::Arc;

use crate::view::prelude::*;
use crate::web::api::not_understood;
use crate::web::error::ApiError;
use crate::web::task::spawn_local;
use crate::wire;
use berth_protocol::OrganizationId;
use berth_protocol::tenant::{OrgEntry, OrgState};

use super::{App, app, effect, memo};

impl App {
    /// It may stand otherwise now. The answer counts if nothing was asked since: it could be older than that of the
    /// later question.
    pub fn renew_org(self) {
        let this = self.org_asked.get_value() + 1;
        self.org_asked.set_value(this);
        spawn_local(async move {
            let answer = self.api().act("GET", "/org").await;
            if self.org_asked.get_value() == this
                && let Ok(org) = answer
            {
                self.model.org().set(org);
            }
        });
    }
}

impl App {
    /// Which organization is active: empty while none is, nothing while that is not known.
    pub fn active_org(self) -> Memo<Option<String>> {
        memo(move || self.model.org().with(|org| wire::active(org)))
    }

    /// Whether what is edited is an organization's that is not the active one any more. It is of the one that was active
    /// when it became an organization's; what is the user's goes along wherever they are.
    pub fn is_left_behind(self, is_shared: Memo<bool>) -> Memo<bool> {
        let now = self.active_org();
        let of = RwSignal::new(now.get_untracked());
        effect(move || {
            let now = now.get();
            if !is_shared.get() || of.with_untracked(Option::is_none) {
                of.set(now);
            }
        });
        memo(move || {
            let (of, now) = (of.get(), now.get());
            is_shared.get() && of.is_some() && now.is_some() && of != now
        })
    }
}

/// What is known: nothing yet, how it stands, or why that is not known.
type Known = Option<Result<Arc<OrgState>, ApiError>>;

/// How it stands, for the part of the page that follows it.
#[derive(Clone, Copy)]
pub struct Org {
    app: App,
    known: Memo<Known>,
    failure: RwSignal<Option<ApiError>>,
}

impl Org {
    pub fn follow() -> Self {
        let app = app();
        let failure = RwSignal::new(None::<ApiError>);
        let known = memo(move || {
            let failure = failure.get();
            app.model.org().with(|org| {
                if org.is_empty() {
                    return failure.map(Err);
                }
                let state = wire::read::<OrgState>(org).map(Arc::new);
                Some(state.map_err(|wrong| {
                    not_understood(wrong);
                    ApiError::Unreadable
                }))
            })
        });
        let this = Self {
            app,
            known,
            failure,
        };
        if app.model.org().with_untracked(String::is_empty) {
            this.fetch();
        }
        this
    }

    /// Asks how it stands, and keeps why there was no answer.
    pub fn fetch(self) {
        self.failure.set(None);
        spawn_local(async move {
            match self.app.api().act("GET", "/org").await {
                Ok(org) => self.app.model.org().set(org),
                Err(error) => self.failure.set(Some(error)),
            }
        });
    }

    /// What is known of it, which is followed.
    pub fn known(self) -> Known {
        self.known.get()
    }

    /// How it stands, which is followed.
    pub fn state(self) -> Option<Arc<OrgState>> {
        self.known.get()?.ok()
    }

    /// An organization, which is followed.
    pub fn entry(self, id: OrganizationId) -> Option<OrgEntry> {
        let state = self.state()?;
        let found = state.organizations.iter().find(|entry| entry.id == id);
        found.cloned()
    }
}
