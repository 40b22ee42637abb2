//! Parts of the audit trail that are on the page, and follow the engine while they are.

use std::rc::Rc;

use crate::view::prelude::*;
use berth_protocol::SessionId;

use super::reactive::{RwSignal, effect};
use super::{App, app, run};
use crate::logic::trail::Trail;
use crate::web::error::ApiError;
use crate::wire::AuditEntry;

/// A part of the trail that is shown, all of it or that of one session.
#[derive(Clone, Copy)]
pub struct ShownTrail {
    session: Option<SessionId>,
    limit: u32,
    /// What is known of it; absent until the first answer.
    pub trail: RwSignal<Option<Trail>>,
    /// Why it could not be fetched.
    pub failure: RwSignal<Option<ApiError>>,
    /// It is being fetched.
    pub busy: RwSignal<bool>,
}

impl ShownTrail {
    /// Fetches the newest events, and again whenever the engine was lost in between.
    pub fn follow(session: Option<SessionId>, limit: u32) -> Self {
        let app = app();
        let this = Self {
            session,
            limit,
            trail: RwSignal::new(None),
            failure: RwSignal::new(None),
            busy: RwSignal::new(false),
        };
        app.trails.update_value(|all| all.push(this));
        effect(move || {
            app.model.generation().track();
            this.load(app, None);
        });
        this
    }

    /// Fetches the newest events, or those behind one.
    pub fn load(self, app: App, after: Option<i64>) {
        run(self.busy, async move {
            match app.api().audit(self.session, after, self.limit).await {
                Ok(page) => {
                    self.failure.set(None);
                    self.trail.update(|trail| {
                        let trail = trail.get_or_insert_default();
                        match after {
                            Some(_) => trail.append(page),
                            None => trail.begin(page),
                        }
                    });
                }
                Err(error) => self.failure.set(Some(error)),
            }
        });
    }

    /// Something happened. Returns whether this is still on the page.
    pub(super) fn hear(self, entry: &Rc<AuditEntry>) -> bool {
        let concerned = self.session.is_none() || self.session == entry.session_id;
        let shown = self.trail.try_with_untracked(|_| ()).is_some();
        if concerned && shown {
            // The first page may have been read before it and still be on its way.
            self.trail
                .update(|trail| trail.get_or_insert_default().add(entry));
        }
        shown
    }
}
