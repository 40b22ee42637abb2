//! By an e-mail address: with a password, or with a code that is mailed.

use crate::view::prelude::*;
use berth_protocol::{Secret, tenant::OrgSignIn};

use super::begin;
use crate::components::button::{Button, Look};
use crate::components::field::{TextField, focus_first_wrong};
use crate::components::org_form::{form, is_empty, keep_focus_on, needed, taken};
use crate::logic::organization::{code_of, is_email};
use crate::state::{App, app, run};
use crate::strings::{fill, org};
use crate::web::{clock, dom, error::ApiError, task::spawn_local};

/// How somebody shows that the address is theirs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Password,
    /// By a code that they have not asked for yet.
    NoCode,
    /// By the code that was mailed.
    Code,
}

/// What the parts of the form share.
#[derive(Clone, Copy)]
struct Draft {
    app: App,
    by: RwSignal<By>,
    email: RwSignal<String>,
    password: RwSignal<String>,
    code: RwSignal<String>,
    /// It was tried to go on, so that fields that are wrong say so.
    tried: RwSignal<bool>,
    busy: RwSignal<bool>,
    failure: RwSignal<Option<ApiError>>,
}

#[component]
pub fn ByEmail() -> impl IntoView {
    let draft = Draft {
        app: app(),
        by: RwSignal::new(By::Password),
        email: RwSignal::default(),
        password: RwSignal::default(),
        code: RwSignal::default(),
        tried: RwSignal::new(false),
        busy: RwSignal::new(false),
        failure: RwSignal::new(None),
    };
    draft.view()
}

impl Draft {
    /// Goes to another way, whose first field gets the focus.
    fn go(self, by: By, field: &'static str) {
        self.tried.set(false);
        self.failure.set(None);
        // What is not used is not kept.
        self.password.set(String::new());
        self.code.set(String::new());
        self.by.set(by);
        spawn_local(async move {
            clock::next_frame().await;
            dom::focus(&format!("[data-testid={field}]"));
        });
    }

    /// The fields can be sent; otherwise they say what is wrong.
    fn is_well(self, secret: Option<RwSignal<String>>) -> bool {
        self.tried.set(true);
        self.failure.set(None);
        let is_well = self.email.with_untracked(|email| is_email(email))
            && secret.is_none_or(|secret| !is_empty(secret));
        if !is_well {
            focus_first_wrong(".org-form");
        }
        is_well
    }

    /// Does what the first button does.
    fn submit(self) {
        let email = || self.email.get_untracked().trim().to_owned();
        match self.by.get_untracked() {
            By::Password if self.is_well(Some(self.password)) => {
                let password = Secret::new(taken(self.password));
                let way = OrgSignIn::Password {
                    email: email(),
                    password,
                };
                self.send(way, "org-password");
            }
            By::Code if self.is_well(Some(self.code)) => {
                let code = Secret::new(code_of(&taken(self.code)));
                let way = OrgSignIn::Code {
                    email: email(),
                    code,
                };
                self.send(way, "org-code");
            }
            By::NoCode if self.is_well(None) => self.ask(email()),
            By::Password | By::Code | By::NoCode => {}
        }
    }

    fn send(self, way: OrgSignIn, field: &'static str) {
        self.tried.set(false);
        run(self.busy, async move {
            if let Err(error) = begin(self.app, &way).await {
                self.failure.set(Some(error));
                keep_focus_on(field);
            }
        });
    }

    /// Has a code mailed.
    fn ask(self, email: String) {
        run(self.busy, async move {
            match begin(self.app, &OrgSignIn::SendCode { email }).await {
                Ok(()) => self.go(By::Code, "org-code"),
                Err(error) => {
                    self.failure.set(Some(error));
                    keep_focus_on("org-email");
                }
            }
        });
    }

    fn view(self) -> AnyView {
        let submit = Callback::new(move |()| self.submit());
        view! {
            <section class="org-part" aria-labelledby="org-email-title">
                <header><h3 id="org-email-title">{org().by_email}</h3></header>
                {form("org-by-email", self.fields(), self.failure, self.actions(submit), submit)}
            </section>
        }
        .into_any()
    }

    fn fields(self) -> AnyView {
        let Self {
            by,
            email,
            password,
            code,
            tried,
            ..
        } = self;
        let email_problem = Signal::derive(move || {
            let is_wrong = tried.get() && email.with(|email| !is_email(email));
            is_wrong.then(|| org().email_wrong.to_owned())
        });
        view! {
            <TextField
                label=org().email
                value=email
                problem=email_problem
                autocomplete="username"
                testid="org-email"
            />
            {move || match by.get() {
                By::Password => {
                    view! {
                        <TextField
                            label=org().password
                            value=password
                            problem=needed(tried, password)
                            secret=true
                            autocomplete="current-password"
                            testid="org-password"
                        />
                    }
                }
                By::NoCode => ().into_any(),
                By::Code => {
                    view! {
                        <p class="org-note" role="status" data-testid="org-code-sent">
                            {fill(org().code_sent, &[email.get_untracked().trim()])}
                        </p>
                        <TextField
                            label=org().code
                            value=code
                            hint=org().code_hint
                            problem=needed(tried, code)
                            mono=true
                            autocomplete="one-time-code"
                            testid="org-code"
                        />
                    }
                }
            }}
        }
        .into_any()
    }

    fn actions(self, submit: Callback<()>) -> AnyView {
        let Self {
            by, email, busy, ..
        } = self;
        let first = Signal::derive(move || {
            let words = match by.get() {
                By::NoCode => org().send_code,
                By::Password | By::Code => org().sign_in,
            };
            words.to_owned()
        });
        let go = move |by: By, field: &'static str| Callback::new(move |()| self.go(by, field));
        let again = Callback::new(move |()| self.ask(email.get_untracked().trim().to_owned()));
        view! {
            <Button label=first look=Look::Primary busy=busy testid="org-sign-in" on_click=submit/>
            {move || match by.get() {
                By::Password => {
                    view! {
                        <Button
                            label=org().by_code
                            look=Look::Quiet
                            testid="org-use-code"
                            on_click=go(By::NoCode, "org-email")
                        />
                    }
                }
                By::NoCode => use_password(go(By::Password, "org-password")),
                By::Code => {
                    view! {
                        <Button label=org().code_again look=Look::Quiet testid="org-code-again" on_click=again/>
                        {use_password(go(By::Password, "org-password"))}
                    }
                }
            }}
        }
        .into_any()
    }
}

fn use_password(go: Callback<()>) -> AnyView {
    view! { <Button label=org().by_password look=Look::Quiet testid="org-use-password" on_click=go/> }
}
