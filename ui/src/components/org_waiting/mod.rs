//! A sign-in that waits for the browser.

use crate::view::prelude::*;
use berth_protocol::Timestamp;

use crate::components::button::{Button, Look};
use crate::components::copy_value::CopyValue;
use crate::components::icon::icon_name;
use crate::components::org_form::{failed, keep_focus_on};
use crate::logic::organization::left;
use crate::logic::paths::shorten;
use crate::state::{app, memo, run};
use crate::strings::{fill, org, t};
use crate::web::{clock, dom, task::spawn_local};

/// Longest address that is shown whole, in characters.
const SHOWN: usize = 64;
/// How often the time that is left is looked at, in milliseconds.
const LOOK: i32 = 500;

#[component]
pub fn Waiting(url: String, until: Timestamp) -> impl IntoView {
    let app = app();
    let (cancelling, failure) = (RwSignal::new(false), RwSignal::new(None));
    let now = RwSignal::new(clock::now());
    // Ticks only while the browser is waited for.
    spawn_local(async move {
        loop {
            clock::sleep(LOOK).await;
            if now.try_update(|now| *now = clock::now()).is_none() {
                return;
            }
        }
    });
    let left = memo(move || left(now.get(), until.as_millisecond()));
    let shown = shorten(&url, SHOWN);
    let address = url.clone();
    let open = Callback::new(move |()| dom::open_url(address.clone()));
    let cancel = Callback::new(move |()| {
        failure.set(None);
        run(cancelling, async move {
            match app.api().cancel_org_sign_in().await {
                Ok(()) => app.renew_org(),
                Err(error) => {
                    failure.set(Some(error));
                    keep_focus_on("cancel-org-sign-in");
                }
            }
        });
    });
    view! {
        <section class="org-part" aria-labelledby="org-waiting-title" data-testid="org-waiting">
            <header>
                <div>
                    <h2 id="org-waiting-title" tabindex="-1">{org().waiting}</h2>
                    <p>{org().waiting_text}</p>
                </div>
            </header>
            <p class="org-note" role="timer" data-testid="org-time-left">
                {move || match left.get() {
                    Some(left) => fill(org().waiting_left, &[&left]),
                    None => org().waiting_over.to_owned(),
                }}
            </p>
            <CopyValue label=org().waiting_url value=Signal::stored(url) shown=Signal::stored(shown)/>
            {failed(failure)}
            <div class="org-actions">
                <Button
                    label=org().waiting_open
                    icon_name=icon_name!("external-link")
                    testid="open-org-sign-in"
                    on_click=open
                />
                <Button
                    label=t().cancel
                    look=Look::Quiet
                    busy=cancelling
                    testid="cancel-org-sign-in"
                    on_click=cancel
                />
            </div>
        </section>
    }
    .into_any()
}
