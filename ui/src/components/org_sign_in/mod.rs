//! Signing in to the backend, in the ways that it has.
//!
//! A password and a code are taken out of their fields as they are sent, and nothing here keeps them.

mod browser;
mod email;

use crate::view::prelude::*;
use berth_protocol::tenant::{OrgAccount, OrgSignIn, OrgWays};

use crate::components::icon::icon_name;
use crate::components::notice::{Empty, Failure, Skeleton};
use crate::components::org_backend::{BackendForm, BackendLine};
use crate::components::org_form::keep_focus_on;
use crate::state::{App, Org, app, memo};
use crate::strings::org;
use crate::web::{dom, error::ApiError, task::spawn_local};
use browser::ByDomain;
use email::ByEmail;

/// What the ways to sign in are, once that is known.
type Ways = RwSignal<Option<Result<OrgWays, ApiError>>>;

#[component]
pub fn SignIn(known: Org) -> impl IntoView {
    let app = app();
    let ways: Ways = RwSignal::new(None);
    let is_changing = RwSignal::new(false);
    let change = Callback::new(move |()| {
        is_changing.set(true);
        keep_focus_on("org-backend-url");
    });
    let close = Callback::new(move |()| {
        is_changing.set(false);
        keep_focus_on("change-org-backend");
    });
    // Another backend has other ways.
    let backend = memo(move || known.state().and_then(|state| state.backend.clone()));
    crate::state::effect(move || {
        backend.track();
        fetch(app, ways);
    });
    view! {
        {move || match is_changing.get() {
            true => view! { <BackendForm known=known on_close=close/> }.into_any(),
            false => {
                view! {
                    <header class="org-head-line">
                        <h2 tabindex="-1">{org().sign_in}</h2>
                        <BackendLine known=known on_change=change/>
                    </header>
                    {came_to_nothing(known)}
                    {all(app, ways)}
                }
                    .into_any()
            }
        }}
    }
    .into_any()
}

fn fetch(app: App, ways: Ways) {
    ways.set(None);
    spawn_local(async move {
        let answer = app.api().org_ways().await;
        ways.set(Some(answer));
    });
}

/// Why the last sign-in came to nothing, as the engine says.
fn came_to_nothing(known: Org) -> AnyView {
    let failed = memo(move || known.state().and_then(|state| state.failed.clone()));
    view! {
        {move || {
            failed
                .get()
                .map(|problem| {
                    view! {
                        <div class="inline-failure" role="alert" data-testid="org-sign-in-failed">
                            {crate::components::icon::icon(icon_name!("circle-alert"))}
                            <div>
                                <p>{org().sign_in_failed}": "{problem.detail}</p>
                                {problem.hint.map(|hint| view! { <p class="inline-failure-hint">{hint}</p> })}
                            </div>
                        </div>
                    }
                })
        }}
    }
    .into_any()
}

fn all(app: App, ways: Ways) -> AnyView {
    view! {
        {move || match ways.get() {
            None => view! { <Skeleton rows=4/> }.into_any(),
            Some(Err(error)) => {
                view! {
                    <Failure
                        title=org().ways_failed
                        text=error.text()
                        hint=error.hint().unwrap_or_default()
                        on_retry=Callback::new(move |()| fetch(app, ways))
                    />
                }
                    .into_any()
            }
            Some(Ok(ways)) if !ways.email && !ways.domain && ways.providers.is_empty() => {
                view! { <Empty name=icon_name!("log-in") title=org().ways_none text=org().ways_none_text/> }.into_any()
            }
            Some(Ok(ways)) => {
                let email = ways.email.then(|| view! { <ByEmail/> });
                let providers = (!ways.providers.is_empty())
                    .then(|| browser::providers(app, &ways.providers));
                let domain = ways.domain.then(|| view! { <ByDomain/> });
                view! { {email}{providers}{domain} }
            }
        }}
    }
    .into_any()
}

/// Begins a sign-in, and opens its page where it has one.
async fn begin(app: App, way: &OrgSignIn) -> Result<(), ApiError> {
    let state = app.api().org_sign_in(way).await?;
    if let OrgAccount::SigningIn { url, .. } = state.account {
        dom::open_url(url);
    }
    app.renew_org();
    Ok(())
}
