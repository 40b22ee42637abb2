//! Who is invited into an organization: open invitations, and the form that makes one. What lets somebody in is shown
//! once.

use crate::view::prelude::*;
use berth_protocol::tenant::{NewInvitation, OrgInvitation, OrganizationRole};

use crate::components::button::{Button, Look};
use crate::components::copy_value::CopyValue;
use crate::components::field::{SelectField, TextField, focus_first_wrong};
use crate::components::icon::icon_name;
use crate::components::org_form::{failed, form, keep_focus_on, move_focus, needed};
use crate::logic::org_members::{days_of, left, role_name, role_of, roles};
use crate::logic::organization::is_email;
use crate::state::{App, OrgSettings, app, memo, run};
use crate::strings::{fill, org_settings};
use crate::web::{clock, error::ApiError};

/// For how many days an invitation can be used, unless something else is typed.
const USUAL_DAYS: &str = "7";

/// What lets somebody in, and whom.
#[derive(Clone, PartialEq)]
struct Token {
    /// The invitation.
    id: String,
    email: String,
    token: String,
}

/// What the parts share.
#[derive(Clone, Copy)]
struct Invitations {
    app: App,
    settings: OrgSettings,
    /// It is here until its user has sent it, and nowhere else.
    token: RwSignal<Option<Token>>,
    withdrawing: RwSignal<bool>,
    failure: RwSignal<Option<ApiError>>,
}

#[component]
pub fn OrgInvitations(settings: OrgSettings) -> impl IntoView {
    let this = Invitations {
        app: app(),
        settings,
        token: RwSignal::new(None),
        withdrawing: RwSignal::new(false),
        failure: RwSignal::new(None),
    };
    let open = memo(move || {
        let known = settings.members().and_then(Result::ok);
        known.map(|known| known.invitations).unwrap_or_default()
    });
    let none = memo(move || open.with(Vec::is_empty));
    view! {
        <section aria-labelledby="org-invitations-title" data-testid="org-invitations">
            <div>
                <h3 id="org-invitations-title" tabindex="-1">{org_settings().invitations}</h3>
                <p>{org_settings().invitations_text}</p>
            </div>
            {failed(this.failure)}
            <Show when=move || none.get()>
                <p data-testid="no-invitations">{org_settings().invitations_none}</p>
            </Show>
            <ul class="org-people">
                <For each=move || open.get() key=|open| open.id let:open>
                    {this.row(open)}
                </For>
            </ul>
            <div>{move || this.token.get().map(|token| this.told(token))}</div>
            {this.form()}
        </section>
    }
    .into_any()
}

impl Invitations {
    fn row(self, open: OrgInvitation) -> AnyView {
        let until = open.expires_at;
        let now = self.app.ui.now;
        let left = move || left(now.get(), until.as_millisecond());
        let (email, id) = (open.email.clone(), open.id.to_string());
        let named = fill(org_settings().withdraw_named, &[&email]);
        let address = email.clone();
        let withdraw = move |_| self.withdraw(id.clone(), address.clone());
        view! {
            <li data-testid="org-invitation-row" data-email=open.email>
                <span class="org-person">
                    <span>{email}</span>
                    <small data-tip=clock::exact(until)>{left}</small>
                </span>
                <span class="badge">{role_name(open.role)}</span>
                <button
                    type="button"
                    class="button button-quiet"
                    aria-label=named
                    data-testid="withdraw-invitation"
                    on:click=withdraw
                >
                    <span>{org_settings().withdraw}</span>
                </button>
            </li>
        }
        .into_any()
    }

    fn withdraw(self, id: String, email: String) {
        self.failure.set(None);
        run(self.withdrawing, async move {
            let api = self.app.api();
            match api.withdraw_invitation(self.settings.org, &id).await {
                Ok(()) => {
                    let said = fill(org_settings().withdrawn, &[&email]);
                    self.app.ui.say(said);
                    // What lets nobody in any more is not offered any more.
                    self.token.update(|token| {
                        token.take_if(|token| token.id == id);
                    });
                    // The row that was clicked is about to go.
                    move_focus("#org-invitations-title");
                }
                Err(error) => self.failure.set(Some(error)),
            }
            self.settings.fetch();
        });
    }

    /// What lets somebody in, until it is sent.
    fn told(self, Token { email, token, .. }: Token) -> AnyView {
        let done = Callback::new(move |()| {
            self.token.set(None);
            keep_focus_on("invite-email");
        });
        let shown = token.clone();
        view! {
            <div class="org-token" role="group" aria-labelledby="org-token-title" data-testid="org-token">
                <h4 id="org-token-title" tabindex="-1">{fill(org_settings().token_title, &[&email])}</h4>
                <p>{org_settings().token_text}</p>
                <CopyValue label=org_settings().token value=Signal::stored(token) shown=Signal::stored(shown)/>
                <Button label=org_settings().token_done look=Look::Quiet testid="token-done" on_click=done/>
            </div>
        }
        .into_any()
    }

    fn form(self) -> AnyView {
        let email = RwSignal::new(String::new());
        let role = RwSignal::new("user".to_owned());
        let days = RwSignal::new(USUAL_DAYS.to_owned());
        let (tried, busy) = (RwSignal::new(false), RwSignal::new(false));
        let failure = RwSignal::new(None);
        let missing = needed(tried, email);
        let email_problem = Signal::derive(move || {
            let is_wrong = tried.get() && email.with(|email| !is_email(email));
            let wrong = is_wrong.then(|| org_settings().email_wrong.to_owned());
            missing.get().or(wrong)
        });
        let days_problem = Signal::derive(move || {
            let is_wrong = days.with(|days| days_of(days).is_none());
            is_wrong.then(|| org_settings().days_wrong.to_owned())
        });
        let submit = Callback::new(move |()| {
            tried.set(true);
            failure.set(None);
            // What is shown once must be sent before another takes its place.
            if self.token.with_untracked(Option::is_some) {
                return move_focus("#org-token-title");
            }
            let wanted = NewInvitation {
                email: email.with_untracked(|email| email.trim().to_owned()),
                role: role_of(&role.get_untracked()).unwrap_or(OrganizationRole::User),
                days: days
                    .with_untracked(|days| days_of(days))
                    .unwrap_or_default(),
            };
            if !is_email(&wanted.email) || wanted.days == 0 {
                return focus_first_wrong("[data-testid=org-invite]");
            }
            run(busy, async move {
                match self.app.api().invite(self.settings.org, &wanted).await {
                    Ok(invited) => {
                        tried.set(false);
                        email.set(String::new());
                        self.token.set(Some(Token {
                            id: invited.id.to_string(),
                            email: wanted.email,
                            token: invited.token,
                        }));
                        move_focus("#org-token-title");
                    }
                    Err(error) => {
                        failure.set(Some(error));
                        keep_focus_on("invite-email");
                    }
                }
                self.settings.fetch();
            });
        });
        let fields = view! {
            <div class="fields">
                <TextField
                    label=org_settings().email
                    value=email
                    problem=email_problem
                    wide=true
                    testid="invite-email"
                />
                <SelectField
                    label=org_settings().role
                    value=role
                    options=Signal::stored(roles())
                    on_select=Callback::new(move |word| role.set(word))
                    testid="invite-role"
                />
                <TextField
                    label=org_settings().days
                    value=days
                    hint=org_settings().days_hint
                    problem=days_problem
                    testid="invite-days"
                />
            </div>
        };
        let button = view! {
            <Button
                label=org_settings().invite
                icon_name=icon_name!("plus")
                busy=busy
                testid="invite"
                on_click=submit
            />
        };
        form("org-invite", fields, failure, button, submit)
    }
}
