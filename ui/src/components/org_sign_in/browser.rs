//! In the browser: at a provider, or at the single sign-on of a domain.

use crate::view::prelude::*;
use berth_protocol::tenant::OrgSignIn;

use super::begin;
use crate::components::button::Button;
use crate::components::field::{TextField, focus_first_wrong};
use crate::components::icon::icon_name;
use crate::components::org_form::{failed, form, is_empty, keep_focus_on, needed};
use crate::logic::organization::provider_name;
use crate::state::{App, app, run};
use crate::strings::{fill, org};

/// A button for each provider.
pub fn providers(app: App, names: &[String]) -> AnyView {
    let (busy, failure) = (RwSignal::new(false), RwSignal::new(None));
    let button = |word: &String| {
        let label = fill(org().provider, &[&provider_name(word)]);
        let word = word.clone();
        let value = word.clone();
        let go = Callback::new(move |()| {
            let provider = word.clone();
            failure.set(None);
            run(busy, async move {
                if let Err(error) = begin(app, &OrgSignIn::Provider { provider }).await {
                    failure.set(Some(error));
                    keep_focus_on("org-provider");
                }
            });
        });
        view! {
            <span data-testid="org-provider-of" data-value=value>
                <Button
                    label=label
                    icon_name=icon_name!("external-link")
                    busy=busy
                    testid="org-provider"
                    on_click=go
                />
            </span>
        }
    };
    let buttons = names.iter().map(button).collect_view();
    view! {
        <section class="org-part" aria-labelledby="org-providers-title">
            <header><h3 id="org-providers-title">{org().providers}</h3></header>
            <div class="org-actions">{buttons}</div>
            {failed(failure)}
        </section>
    }
    .into_any()
}

#[component]
pub fn ByDomain() -> impl IntoView {
    let app = app();
    let domain = RwSignal::new(String::new());
    let (tried, busy) = (RwSignal::new(false), RwSignal::new(false));
    let failure = RwSignal::new(None);
    let go = Callback::new(move |()| {
        tried.set(true);
        failure.set(None);
        if is_empty(domain) {
            return focus_first_wrong("[data-testid=org-by-domain]");
        }
        let domain = domain.get_untracked().trim().to_owned();
        run(busy, async move {
            if let Err(error) = begin(app, &OrgSignIn::Domain { domain }).await {
                failure.set(Some(error));
                keep_focus_on("org-domain");
            }
        });
    });
    let field = view! {
        <TextField
            label=org().domain
            value=domain
            hint=org().domain_hint
            problem=needed(tried, domain)
            placeholder="example.com"
            testid="org-domain"
        />
    };
    let button = view! {
        <Button
            label=org().domain_sign_in
            icon_name=icon_name!("external-link")
            busy=busy
            testid="org-sign-in-domain"
            on_click=go
        />
    };
    view! {
        <section class="org-part" aria-labelledby="org-domain-title">
            <header><h3 id="org-domain-title">{org().domain_title}</h3></header>
            {form("org-by-domain", field, failure, button, go)}
        </section>
    }
    .into_any()
}
