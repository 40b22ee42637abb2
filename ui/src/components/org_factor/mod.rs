//! The second factor of whoever signs in.

use crate::view::prelude::*;
use berth_protocol::{
    Secret,
    tenant::{OrgFactor, OrgFactorCode},
};

use crate::components::button::{Button, Look};
use crate::components::field::{SelectField, TextField, focus_first_wrong};
use crate::components::org_form::{form, is_empty, keep_focus_on, needed, taken};
use crate::logic::organization::{code_of, factors};
use crate::state::{app, run};
use crate::strings::{fill, org, t};

#[component]
pub fn SecondFactor(known: Vec<OrgFactor>) -> impl IntoView {
    let app = app();
    let (usable, others) = factors(&known);
    let first = usable.first().map(|(id, _)| id.clone());
    let chosen = RwSignal::new(first.clone().unwrap_or_default());
    let code = RwSignal::new(String::new());
    let (tried, busy) = (RwSignal::new(false), RwSignal::new(false));
    let failure = RwSignal::new(None);
    let known = StoredValue::new(known);
    let submit = Callback::new(move |()| {
        let wanted = chosen.get_untracked();
        let factor = known.with_value(|known| {
            let mut known = known.iter();
            let found = known.find(|factor| factor.id.to_string() == wanted);
            found.map(|factor| factor.id)
        });
        let Some(factor) = factor else {
            return;
        };
        tried.set(true);
        failure.set(None);
        if is_empty(code) {
            return focus_first_wrong(".org-form");
        }
        let code = Secret::new(code_of(&taken(code)));
        tried.set(false);
        run(busy, async move {
            match app
                .api()
                .give_org_factor(&OrgFactorCode { factor, code })
                .await
            {
                Ok(_) => app.renew_org(),
                Err(error) => {
                    failure.set(Some(error));
                    keep_focus_on("org-factor-code");
                }
            }
        });
    });
    let cancel = Callback::new(move |()| {
        failure.set(None);
        run(busy, async move {
            match app.api().cancel_org_sign_in().await {
                Ok(()) => app.renew_org(),
                Err(error) => failure.set(Some(error)),
            }
        });
    });
    let unsupported = (!others.is_empty()).then(|| {
        let text = fill(org().factor_unsupported, &[&others.join(", ")]);
        view! { <p class="org-note">{text}</p> }
    });
    let which = (usable.len() > 1).then(|| {
        view! {
            <SelectField
                label=org().factor_which
                value=chosen
                options=Signal::stored(usable)
                on_select=Callback::new(move |id| chosen.set(id))
                testid="org-factor"
            />
        }
    });
    let is_usable = first.is_some();
    let fields = match is_usable {
        true => view! {
            {which}
            {unsupported}
            <TextField
                label=org().factor_code
                value=code
                problem=needed(tried, code)
                mono=true
                autocomplete="one-time-code"
                testid="org-factor-code"
            />
        },
        false => view! { {unsupported}<p class="org-note" role="alert">{org().factor_none}</p> },
    };
    let go_on = is_usable.then(|| {
        view! {
            <Button
                label=org().factor_continue
                look=Look::Primary
                busy=busy
                testid="give-org-factor"
                on_click=submit
            />
        }
    });
    let actions = view! {
        {go_on}
        <Button label=t().cancel look=Look::Quiet testid="cancel-org-sign-in" on_click=cancel/>
    };
    view! {
        <section class="org-part" aria-labelledby="org-factor-title">
            <header>
                <div>
                    <h2 id="org-factor-title" tabindex="-1">{org().factor}</h2>
                    <p>{org().factor_text}</p>
                </div>
            </header>
            {form("org-second-factor", fields, failure, actions, submit)}
        </section>
    }
    .into_any()
}
