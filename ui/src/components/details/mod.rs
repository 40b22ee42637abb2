//! The right column of a session: facts that can be copied.

pub mod tools;

use crate::view::prelude::*;
use berth_protocol::{Beginning, Session, SessionId, Transport, WorkspaceKind};

use crate::components::button::{Button, IconButton};
use crate::components::copy_value::CopyValue;
use crate::components::icon::icon_name;
use crate::components::resizer::Resizer;
use crate::components::session_menu::download_recording;
use crate::components::when::When;
use crate::components::{session_prompt, session_router};
use crate::lazy;
use crate::logic::paths::{shorten, with_tilde};
use crate::state::{App, app};
use crate::strings::t;

/// What a row takes beside its value, and the width of a letter in it, in pixels.
const ROW_REST: f64 = 158.0;
const LETTER: f64 = 7.3;

#[component]
pub fn Details(id: SessionId, session: Memo<Option<Session>>) -> impl IntoView {
    let app = app();
    view! {
        <aside class="details" aria-label=t().details data-testid="details">
            <Resizer width=app.prefs.details_width right=true label=t().details_width/>
            <header class="details-head">
                <h2>{t().details}</h2>
                <span class="details-close">
                    <IconButton
                        name=icon_name!("x")
                        label=t().hide_details
                        on_click=Callback::new(move |()| app.ui.details_drawer.set(false))
                    />
                </span>
            </header>
            <div class="details-scroll">
                {move || session.get().map(|session| facts(app, session))}
                {move || app.given(id).map(|given| session_prompt::facts(app, id, &given))}
                {lazy::activity(id, session)}
                <section class="facts">
                    <h3>{t().recording}</h3>
                    <p class="facts-text">{t().recording_text}</p>
                    <Button
                        label=t().download_recording
                        icon_name=icon_name!("download")
                        on_click=Callback::new(move |()| download_recording(app, id))
                    />
                </section>
            </div>
        </aside>
    }
    .into_any()
}

/// Not a component, so that it is drawn anew when the agents or the engine are known.
fn facts(app: App, session: Session) -> AnyView {
    let home = app.home_dir();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a few dozen letters"
    )]
    let letters =
        ((f64::from(app.prefs.details_width.get()) - ROW_REST) / LETTER).max(8.0) as usize;
    let workspace = session.workspace;
    let agent = app
        .model
        .agents()
        .see(|all| all.iter().find(|a| a.id == session.agent).cloned());
    let known = agent.as_ref().and_then(|agent| {
        let mut modes = agent.permission_modes.iter();
        modes.find(|mode| session.permission_mode.as_ref() == Some(&mode.id))
    });
    // It runs, and the active organization would not let it begin so now.
    let refused = known.and_then(|mode| mode.refused.clone());
    let refused = refused.or_else(|| agent.as_ref()?.refused.clone());
    let refused = refused.filter(|_| session.status.is_live());
    let mode = known.map(|mode| mode.name.clone());
    let mode = mode.or_else(|| session.permission_mode.clone());
    let path = workspace.path.clone();
    let shown_path = shorten(&with_tilde(&path, home.as_deref()), letters);
    let kind = match workspace.kind {
        WorkspaceKind::Worktree => t().worktree,
        WorkspaceKind::InPlace => t().in_place,
    };
    let transport = match session.transport {
        Transport::Pty => t().transport_pty,
        Transport::Acp => t().transport_acp,
    };
    let router = session.router.as_ref().map(|router| {
        let facts = session_router::facts(app, router).into_iter();
        let facts: Vec<_> = facts.map(|(name, value)| fact(name, value)).collect();
        view! { <section class="facts" data-testid="details-router"><h3>{t().router}</h3><dl>{facts}</dl></section> }
    });
    let short = |hash: &str| hash.chars().take(8).collect::<String>();
    let command = session.command.map(|command| command.join(" "));
    view! {
        <section class="facts">
            <h3>{t().workspace}</h3>
            <dl>
                {fact(t().kind, kind.to_owned())}
                {copied(t().folder, path, shown_path)}
                {workspace.branch.map(|branch| copied(t().branch, branch.clone(), shorten(&branch, letters)))}
                {workspace.base.map(|base| copied(t().base, base.clone(), base))}
                {workspace.base_commit.map(|commit| copied(t().base_commit, commit.clone(), short(&commit)))}
            </dl>
        </section>
        <section class="facts">
            <h3>{t().agent}</h3>
            <dl>
                {fact(t().name, agent.as_ref().map_or_else(|| session.agent.to_string(), |a| a.name.clone()))}
                {agent.and_then(|a| a.version).map(|version| fact(t().version, version))}
                {fact(t().transport, transport.to_owned())}
                {mode.map(|mode| fact(t().permission_mode, mode))}
                {refused.map(|why| view! { <dt>{t().scope_organization}</dt><dd><a href="#/organization" data-testid="mode-refused">{why}</a></dd> })}
                {command.map(|command| copied(t().command, command.clone(), shorten(&command, letters)))}
            </dl>
        </section>
        {router}
        <section class="facts">
            <h3>{t().session}</h3>
            <dl>
                {copied(t().id, session.id.to_string(), session.id.short())}
                {fact(t().run, session.run.to_string())}
                {fact(t().conversation, match session.beginning {
                    Beginning::New => t().began_new,
                    Beginning::Resumed => t().began_resumed,
                    Beginning::Transcript => t().began_told,
                }.to_owned())}
                {when(t().created, session.created_at)}
                {when(t().changed, session.updated_at)}
                {session.ended_at.map(|at| when(t().ended, at))}
            </dl>
        </section>
    }
    .into_any()
}

fn fact(name: &'static str, value: String) -> AnyView {
    view! { <dt>{name}</dt><dd>{value}</dd> }.into_any()
}

fn copied(name: &'static str, value: String, shown: String) -> AnyView {
    view! { <dt>{name}</dt><dd><CopyValue label=name value=Signal::stored(value) shown=Signal::stored(shown)/></dd> }.into_any()
}

fn when(name: &'static str, at: berth_protocol::Timestamp) -> AnyView {
    view! { <dt>{name}</dt><dd><When at=at long=true/></dd> }.into_any()
}
