//! More organizations: one is made, or joined by an invitation.

use crate::view::prelude::*;
use berth_protocol::{
    Secret,
    tenant::{JoinOrganization, NewOrganization},
};

use crate::components::button::Button;
use crate::components::field::{TextField, focus_first_wrong};
use crate::components::icon::icon_name;
use crate::components::org_form::{form, is_empty, keep_focus_on, needed, taken};
use crate::logic::organization::LONGEST_NAME;
use crate::state::{app, run};
use crate::strings::{fill, org};

#[component]
pub fn MoreOrgs() -> impl IntoView {
    view! { <div class="org-more">{create()}{join()}</div> }.into_any()
}

fn create() -> AnyView {
    let app = app();
    let name = RwSignal::new(String::new());
    let (tried, busy) = (RwSignal::new(false), RwSignal::new(false));
    let failure = RwSignal::new(None);
    let is_long = move || name.with(|name| name.trim().chars().count() > LONGEST_NAME);
    let missing = needed(tried, name);
    let problem = Signal::derive(move || {
        let long = is_long().then(|| org().create_name_long.to_owned());
        missing.get().or(long)
    });
    let submit = Callback::new(move |()| {
        tried.set(true);
        failure.set(None);
        if problem.get_untracked().is_some() {
            return focus_first_wrong("[data-testid=org-create]");
        }
        let new = NewOrganization {
            name: name.get_untracked().trim().to_owned(),
        };
        run(busy, async move {
            match app.api().create_org(&new).await {
                Ok(_) => {
                    app.ui.say(fill(org().created, &[&new.name]));
                    tried.set(false);
                    name.set(String::new());
                    app.renew_org();
                }
                Err(error) => failure.set(Some(error)),
            }
            keep_focus_on("org-name");
        });
    });
    let field =
        view! { <TextField label=org().create_name value=name problem=problem testid="org-name"/> };
    let button = view! {
        <Button
            label=org().create_do
            icon_name=icon_name!("plus")
            busy=busy
            testid="create-org"
            on_click=submit
        />
    };
    view! {
        <section class="org-part" aria-labelledby="org-create-title">
            <header>
                <div><h2 id="org-create-title" tabindex="-1">{org().create}</h2><p>{org().create_text}</p></div>
            </header>
            {form("org-create", field, failure, button, submit)}
        </section>
    }
    .into_any()
}

fn join() -> AnyView {
    let app = app();
    let token = RwSignal::new(String::new());
    let (tried, busy) = (RwSignal::new(false), RwSignal::new(false));
    let failure = RwSignal::new(None);
    let submit = Callback::new(move |()| {
        tried.set(true);
        failure.set(None);
        if is_empty(token) {
            return focus_first_wrong("[data-testid=org-join]");
        }
        let invitation = JoinOrganization {
            token: Secret::new(taken(token).trim().to_owned()),
        };
        tried.set(false);
        run(busy, async move {
            match app.api().join_org(&invitation).await {
                Ok(_) => {
                    app.ui.say(org().joined);
                    app.renew_org();
                }
                Err(error) => failure.set(Some(error)),
            }
            keep_focus_on("org-invitation");
        });
    });
    let field = view! {
        <TextField
            label=org().join_token
            value=token
            hint=org().join_token_hint
            problem=needed(tried, token)
            secret=true
            autocomplete="off"
            testid="org-invitation"
        />
    };
    let button = view! {
        <Button label=org().join_do icon_name=icon_name!("log-in") busy=busy testid="join-org" on_click=submit/>
    };
    view! {
        <section class="org-part" aria-labelledby="org-join-title">
            <header>
                <div><h2 id="org-join-title" tabindex="-1">{org().join}</h2><p>{org().join_text}</p></div>
            </header>
            {form("org-join", field, failure, button, submit)}
        </section>
    }
    .into_any()
}
