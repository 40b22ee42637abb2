//! The connection to the engine: a dot while all is well, a bar across the page when it is lost.

use crate::view::prelude::*;
use crate::web::task::spawn_local;

use crate::components::button::{Button, Look};
use crate::components::icon::{icon, icon_name};
use crate::state::{Connection, app, memo};
use crate::strings::{fill, t};
use crate::web::{clock, tauri};

/// How long a connection may be lost before the bar shows, in milliseconds: an engine that
/// restarts is back sooner.
const PATIENCE: i64 = 1_200;
/// How long it is lost before the bar offers to restart the engine, in milliseconds.
const OFFER_RESTART: i64 = 6_000;

/// The dot at the foot of the sidebar.
#[component]
pub fn ConnectionState() -> impl IntoView {
    let model = app().model;
    let (class, word) = (
        move || match model.connection().get() {
            Connection::Online => "connection is-online",
            Connection::Connecting => "connection",
            Connection::Lost { .. } => "connection is-lost",
        },
        move || match model.connection().get() {
            Connection::Online => t().connection_online,
            Connection::Connecting => t().connection_connecting,
            Connection::Lost { .. } => t().connection_lost,
        },
    );
    let state = move || match model.connection().get() {
        Connection::Online => "online",
        Connection::Connecting => "connecting",
        Connection::Lost { .. } => "lost",
    };
    view! {
        <span class=class role="status" data-testid="connection" data-state=state>
            <span class="connection-dot" aria-hidden="true"></span>
            {word}
        </span>
    }
    .into_any()
}

/// The bar across the page.
#[component]
pub fn ConnectionBar() -> impl IntoView {
    let app = app();
    let lost = memo(move || matches!(app.model.connection().get(), Connection::Lost { .. }));
    view! {
        <Show when=move || lost.get()>
            <LostBar/>
        </Show>
    }
    .into_any()
}

#[component]
fn LostBar() -> impl IntoView {
    let app = app();
    let now = RwSignal::new(clock::now());
    // Ticks only while the connection is lost: the bar counts down to the next attempt.
    spawn_local(async move {
        loop {
            clock::sleep(500).await;
            if now.try_update(|now| *now = clock::now()).is_none() {
                return;
            }
        }
    });
    let times = memo(move || match app.model.connection().get() {
        Connection::Lost { since, retry_at } => {
            let now = now.get();
            (now - since, (retry_at - now).max(0) / 1_000)
        }
        _ => (0, 0),
    });
    let shown = memo(move || times.get().0 > PATIENCE);
    let offer = memo(move || times.get().0 > OFFER_RESTART && tauri::present());
    let restarting = RwSignal::new(false);
    let restart = Callback::new(move |()| {
        crate::state::run(restarting, async move {
            tauri::restart_engine().await;
            app.retry_now();
        });
    });
    view! {
        <Show when=move || shown.get()>
            <div class="lost-bar" role="alert" data-testid="connection-lost">
                {icon(icon_name!("unplug"))}
                <p>
                    <strong>{t().lost_title}</strong>
                    " "
                    {move || match times.get().1 {
                        0 => t().lost_trying.to_owned(),
                        seconds => fill(t().lost_waiting, &[&seconds.to_string()]),
                    }}
                </p>
                <Show when=move || offer.get()>
                    <Button label=t().restart_engine look=Look::Quiet busy=restarting on_click=restart/>
                </Show>
                <Button label=t().retry_now on_click=Callback::new(move |()| app.retry_now())/>
            </div>
        </Show>
    }
    .into_any()
}
