//! The tenant backend, who is signed in to it, and their organizations.

use crate::view::prelude::*;

use crate::components::notice::{Failure, Skeleton};
use crate::components::org_account::Account;
use crate::components::org_backend::BackendForm;
use crate::components::org_changes::OrgChanges;
use crate::components::org_drift::OrgDrift;
use crate::components::org_factor::SecondFactor;
use crate::components::org_form::{keep_focus, keep_focus_on};
use crate::components::org_list::OrgList;
use crate::components::org_more::MoreOrgs;
use crate::components::org_sign_in::SignIn;
use crate::components::org_trail::OrgTrail;
use crate::components::org_waiting::Waiting;
use crate::logic::organization::{Face, face};
use crate::pages::page::Page;
use crate::state::{Org, effect, memo};
use crate::strings::{org, t};
use crate::web::error::ApiError;

/// What the page shows.
#[derive(Clone, PartialEq)]
enum Shown {
    Loading,
    Failed(ApiError),
    Is(Face),
}

#[component]
pub fn OrganizationPage() -> impl IntoView {
    let known = Org::follow();
    let shown = memo(move || match known.known() {
        None => Shown::Loading,
        Some(Err(error)) => Shown::Failed(error),
        Some(Ok(state)) => Shown::Is(face(&state)),
    });
    follow_focus(shown);
    view! {
        <Page title=t().scope_organization text=org().text>
            <div class="org-face" data-testid="org-face">
                {move || match shown.get() {
                    Shown::Loading => view! { <Skeleton rows=5/> }.into_any(),
                    Shown::Failed(error) => {
                        view! {
                            <Failure
                                title=org().failed
                                text=error.text()
                                hint=error.hint().unwrap_or_default()
                                on_retry=Callback::new(move |()| known.fetch())
                            />
                        }
                            .into_any()
                    }
                    Shown::Is(Face::NoBackend) => view! { <BackendForm known=known/> }.into_any(),
                    Shown::Is(Face::SignedOut) => view! { <SignIn known=known/> {held(known)} }.into_any(),
                    Shown::Is(Face::Browser { url, until }) => view! { <Waiting url=url until=until/> }.into_any(),
                    Shown::Is(Face::Factor(factors)) => view! { <SecondFactor known=factors/> }.into_any(),
                    Shown::Is(Face::SignedIn) => {
                        view! {
                            <Account known=known/>
                            <OrgChanges known=known/>
                            <OrgList known=known/>
                            <OrgDrift known=known/>
                            <OrgTrail known=known/>
                            <MoreOrgs/>
                        }
                    }
                }}
            </div>
        </Page>
    }
    .into_any()
}

/// An organization may be active although nobody is signed in.
fn held(known: Org) -> AnyView {
    let is_held = memo(move || known.state().is_some_and(|state| state.active.is_some()));
    view! { {move || is_held.get().then(|| view! { <OrgList known=known/> })} }.into_any()
}

/// What had the focus goes with what the page was about; it goes on where the page does.
fn follow_focus(shown: Memo<Shown>) {
    let was_there = StoredValue::new(false);
    effect(move || {
        let Shown::Is(face) = shown.get() else {
            return;
        };
        if was_there.get_value() {
            match face {
                Face::Factor(_) => keep_focus_on("org-factor-code"),
                _ => keep_focus(".org-face h2".to_owned()),
            }
        }
        was_there.set_value(true);
    });
}
