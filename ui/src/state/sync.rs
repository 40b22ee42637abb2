//! Keeps the model in step with the engine: fetches everything once, follows the events, and heals
//! a lost connection by itself.

use std::rc::Rc;
use std::sync::Arc;

use crate::view::prelude::*;
use crate::web::task::spawn_local;
use berth_protocol::{Code, Event};

use super::{App, Connection, Phase};
use crate::logic::transcript::Loading;
use crate::web::{api, clock, endpoint, error::ApiError, stream::EventStream, tauri};
use crate::wire::{self, Heard};

/// Pauses between attempts, in milliseconds; the last one is repeated.
const PAUSES: [i32; 6] = [250, 500, 1_000, 2_000, 4_000, 8_000];
/// How often a waiting attempt looks whether the user wants it now, in milliseconds.
const LOOK: i32 = 250;

impl App {
    /// Starts following the engine. Call once.
    pub fn follow_engine(self) {
        spawn_local(async move {
            let mut last_id: Option<String> = None;
            let mut attempt = 0;
            loop {
                match self.connect(&mut last_id, &mut attempt).await {
                    Err(ApiError::Problem(problem))
                        if problem.code == Code::Unauthorized && !tauri::present() =>
                    {
                        endpoint::forget();
                        self.model.phase().set(Phase::NoToken);
                        return;
                    }
                    Ok(()) | Err(_) => {}
                }
                if self.model.phase().get_untracked() == Phase::NoToken {
                    return;
                }
                self.wait_to_retry(attempt).await;
                attempt += 1;
            }
        });
    }

    /// Tries again at once instead of after the pause.
    pub fn retry_now(self) {
        self.model.connection().update(|connection| {
            if let Connection::Lost { retry_at, .. } = connection {
                *retry_at = 0;
            }
        });
    }

    async fn wait_to_retry(self, attempt: usize) {
        let pause = PAUSES[attempt.min(PAUSES.len() - 1)];
        let now = clock::now();
        let since = match self.model.connection().get_untracked() {
            Connection::Lost { since, .. } => since,
            _ => now,
        };
        self.model.connection().set(Connection::Lost {
            since,
            retry_at: now + i64::from(pause),
        });
        loop {
            clock::sleep(pause.min(LOOK)).await;
            match self.model.connection().get_untracked() {
                Connection::Lost { retry_at, .. } if retry_at > clock::now() => {}
                _ => return,
            }
        }
    }

    /// One connection, from its opening to its end.
    async fn connect(
        self,
        last_id: &mut Option<String>,
        attempt: &mut usize,
    ) -> Result<(), ApiError> {
        // A restarted engine has another address and another token.
        let Some(found) = endpoint::find().await else {
            if !tauri::present() {
                self.model.phase().set(Phase::NoToken);
            }
            return Err(ApiError::Unreachable);
        };
        if self
            .endpoint
            .get_untracked()
            .is_some_and(|known| known != found)
        {
            *last_id = None;
        }
        self.endpoint.set(Some(found));
        let mut stream = EventStream::open(&self.api(), last_id.as_deref()).await?;
        if last_id.is_none() {
            self.fetch_all().await?;
        }
        *attempt = 0;
        self.model.connection().set(Connection::Online);
        self.model.phase().set(Phase::Ready);
        while let Some(arrived) = stream.next().await {
            for event in arrived {
                // Without ids the stream cannot be resumed, and everything is fetched again.
                if event.id.is_some() {
                    last_id.clone_from(&event.id);
                }
                match wire::event(&event.name, &event.data) {
                    Some(Ok(Heard::Changed(Event::Reset))) => self.fetch_all().await?,
                    Some(Ok(Heard::Changed(event))) => self.apply(event),
                    Some(Ok(Heard::Noted(entry))) => {
                        let entry = Rc::new(entry);
                        self.trails
                            .update_value(|all| all.retain(|shown| shown.hear(&entry)));
                    }
                    Some(Ok(Heard::Routers)) => self.renew_routers(),
                    Some(Ok(Heard::Prompts)) => self.renew_prompts(),
                    Some(Ok(Heard::Mcp)) => self.renew_mcp(),
                    Some(Ok(Heard::Org)) => self.renew_org(),
                    Some(Err(wrong)) => api::not_understood(wrong),
                    None => {}
                }
            }
        }
        Ok(())
    }

    /// Fetches everything. Events that arrive meanwhile wait in the stream and are applied after,
    /// so that nothing old overwrites something new.
    async fn fetch_all(self) -> Result<(), ApiError> {
        let api = self.api();
        let (projects, agents, engine, sessions) =
            futures::join!(api.projects(), api.agents(), api.engine(), api.sessions());
        let (projects, agents) = (projects?.projects, agents?.agents);
        let (engine, sessions) = (engine.ok(), sessions?.sessions);
        self.model.projects().set(Arc::new(projects));
        self.model.agents().set(Arc::new(agents));
        self.model.engine().set(engine);
        self.model.sessions().set(Arc::new(sessions));
        self.model
            .generation()
            .update(|generation| *generation += 1);
        self.renew_routers();
        self.renew_prompts();
        self.renew_mcp();
        self.renew_org();
        let open: Vec<_> = self
            .transcripts
            .with_value(|all| all.keys().copied().collect());
        for id in open {
            self.load_transcript(id);
        }
        Ok(())
    }

    /// Fetches a session's conversation, unless that is under way.
    pub fn load_transcript(self, id: berth_protocol::SessionId) {
        let transcript = self.transcript(id);
        if matches!(
            transcript.with_untracked(|t| t.loading().clone()),
            Loading::Under(_)
        ) {
            return;
        }
        transcript.update(|transcript| transcript.load_begins());
        spawn_local(async move {
            let mut messages = Vec::new();
            let mut after = Some(0);
            while let Some(from) = after {
                match self.api().messages(id, from).await {
                    Ok(page) => {
                        messages.extend(page.messages);
                        after = page.next;
                    }
                    Err(error) => {
                        transcript.update(|transcript| transcript.load_fails(error.text()));
                        return;
                    }
                }
            }
            transcript.update(|transcript| transcript.load_ends(messages));
        });
    }
}
