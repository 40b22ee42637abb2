//! Who is signed in, and the way out.

use crate::view::prelude::*;
use berth_protocol::tenant::OrgAccount;

use crate::components::button::Button;
use crate::components::icon::icon_name;
use crate::components::org_backend::BackendLine;
use crate::components::org_form::{failed, keep_focus_on};
use crate::state::{Org, app, memo, run};
use crate::strings::{fill, org};

#[component]
pub fn Account(known: Org) -> impl IntoView {
    let app = app();
    let (busy, failure) = (RwSignal::new(false), RwSignal::new(None));
    let account = memo(move || known.state().map(|state| state.account.clone()));
    let out = Callback::new(move |()| {
        failure.set(None);
        run(busy, async move {
            match app.api().org_sign_out().await {
                Ok(()) => {
                    app.ui.say(org().signed_out);
                    app.renew_org();
                }
                Err(error) => {
                    failure.set(Some(error));
                    keep_focus_on("org-sign-out");
                }
            }
        });
    });
    view! {
        <section class="org-part" aria-labelledby="org-account-title" data-testid="org-account">
            <header>
                <div>
                    <h2 id="org-account-title" tabindex="-1">{org().account}</h2>
                    <p data-testid="org-who">{move || account.get().map(|account| who(&account))}</p>
                </div>
                <Button
                    label=org().sign_out
                    icon_name=icon_name!("log-out")
                    busy=busy
                    testid="org-sign-out"
                    tip=org().sign_out_text.to_owned()
                    on_click=out
                />
            </header>
            <BackendLine known=known/>
            {failed(failure)}
        </section>
    }
    .into_any()
}

fn who(account: &OrgAccount) -> String {
    let OrgAccount::SignedIn {
        user,
        email,
        second_factor,
    } = account
    else {
        return String::new();
    };
    let name = email.clone().unwrap_or_else(|| user.to_string());
    let name = fill(org().account_as, &[&name]);
    match second_factor {
        true => format!("{name}, {}", org().account_factor),
        false => name,
    }
}
