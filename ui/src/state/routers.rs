//! The routers: fetched when something first shows them, and followed from then on.

use std::sync::Arc;

use crate::view::prelude::*;
use crate::web::error::ApiError;
use crate::web::task::spawn_local;
use berth_protocol::{Router, RouterId, RouterList};

use super::App;

/// What is known of the routers.
#[derive(Clone, Default)]
pub struct Routers {
    /// As they were when they were last fetched.
    pub list: Option<Arc<RouterList>>,
    /// Why they could not be fetched.
    pub failure: Option<ApiError>,
}

impl Routers {
    pub fn all(&self) -> &[Router] {
        self.list.as_ref().map_or(&[], |list| &list.routers)
    }
}

impl App {
    /// Fetches the routers, unless that was done: the engine tells of changes.
    pub fn need_routers(self) {
        if self.routers_asked.get_value() == 0 {
            self.fetch_routers();
        }
    }

    /// They may be others now.
    pub(super) fn renew_routers(self) {
        if self.routers_asked.get_value() > 0 {
            self.fetch_routers();
        }
    }

    /// Fetches the routers. The answer counts if nothing was asked since: it could be older than that
    /// of the later question.
    pub fn fetch_routers(self) {
        let this = self.routers_asked.get_value() + 1;
        self.routers_asked.set_value(this);
        spawn_local(async move {
            let answer = self.api().routers().await;
            if self.routers_asked.get_value() != this {
                return;
            }
            self.model.routers().update(|routers| match answer {
                Ok(list) => {
                    routers.list = Some(Arc::new(list));
                    routers.failure = None;
                }
                Err(error) => routers.failure = Some(error),
            });
        });
    }

    /// A router, if it is known.
    pub fn router_now(self, id: RouterId) -> Option<Router> {
        self.model.routers().with_untracked(|routers| {
            let found = routers.all().iter().find(|router| router.id == id);
            found.cloned()
        })
    }
}
