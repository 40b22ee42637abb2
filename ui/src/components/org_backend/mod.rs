//! The tenant backend: the form that names it, and which one it is.

use crate::view::prelude::*;
use berth_protocol::tenant::SetOrgBackend;

use crate::components::button::{Button, Look};
use crate::components::field::{TextField, focus_first_wrong};
use crate::components::org_form::{form, is_empty, keep_focus_on, needed};
use crate::state::{Org, app, memo, run};
use crate::strings::{fill, org, t};

/// The form that names a backend, the first or another one.
#[component]
pub fn BackendForm(
    known: Org,
    /// Shows something else instead, where there is a backend already.
    #[prop(optional)]
    on_close: Option<Callback<()>>,
) -> impl IntoView {
    let app = app();
    let before = leptos::prelude::untrack(|| known.state());
    let before = before.and_then(|state| state.backend.clone());
    let url = RwSignal::new(before.map(|backend| backend.url).unwrap_or_default());
    let key = RwSignal::new(String::new());
    let (tried, busy) = (RwSignal::new(false), RwSignal::new(false));
    let failure = RwSignal::new(None);
    let save = Callback::new(move |()| {
        tried.set(true);
        failure.set(None);
        if is_empty(url) || is_empty(key) {
            return focus_first_wrong(".org-form");
        }
        let backend = SetOrgBackend {
            url: url.get_untracked(),
            key: key.get_untracked(),
        };
        run(busy, async move {
            match app.api().set_org_backend(&backend).await {
                Ok(state) => {
                    let url = state.backend.as_ref().map(|backend| backend.url.as_str());
                    app.ui
                        .say(fill(org().backend_saved, &[url.unwrap_or_default()]));
                    app.renew_org();
                    if let Some(close) = on_close {
                        close.run(());
                    }
                }
                Err(error) => {
                    failure.set(Some(error));
                    keep_focus_on("org-backend-url");
                }
            }
        });
    });
    let fields = view! {
        <TextField
            label=org().backend_url
            value=url
            hint=org().backend_url_hint
            problem=needed(tried, url)
            placeholder="https://example.supabase.co"
            mono=true
            testid="org-backend-url"
        />
        <TextField
            label=org().backend_key
            value=key
            hint=org().backend_key_hint
            problem=needed(tried, key)
            placeholder="sb_publishable_…"
            mono=true
            testid="org-backend-key"
        />
    };
    let cancel = on_close.map(|close| {
        view! { <Button label=t().cancel look=Look::Quiet testid="cancel-org-backend" on_click=close/> }
    });
    let actions = view! {
        <Button
            label=org().backend_save
            look=Look::Primary
            busy=busy
            testid="save-org-backend"
            on_click=save
        />
        {cancel}
    };
    view! {
        <section class="org-part" aria-labelledby="org-backend-title">
            <header>
                <div>
                    <h2 id="org-backend-title" tabindex="-1">{org().backend_title}</h2>
                    <p>{org().backend_text}</p>
                </div>
            </header>
            {form("org-backend", fields.into_any(), failure, actions.into_any(), save)}
        </section>
    }
    .into_any()
}

/// Which backend it is, and a way to another one while nobody is signed in to it.
#[component]
pub fn BackendLine(known: Org, #[prop(optional)] on_change: Option<Callback<()>>) -> impl IntoView {
    let backend = memo(move || known.state().and_then(|state| state.backend.clone()));
    view! {
        <p class="org-backend-line" data-testid="org-backend-line">
            {move || {
                let backend = backend.get()?;
                let fixed = backend.fixed.then_some(org().backend_fixed);
                let change = on_change
                    .filter(|_| !backend.fixed)
                    .map(|change| {
                        view! {
                            <Button
                                label=org().backend_change
                                look=Look::Quiet
                                testid="change-org-backend"
                                on_click=change
                            />
                        }
                    });
                Some(view! { <span>{org().backend}</span><code>{backend.url}</code>{fixed}{change} })
            }}
        </p>
    }
    .into_any()
}
