//! What an organization asks its members to agree to: each reads and agrees, admins publish and see who does.

use crate::view::prelude::*;
use berth_protocol::tenant::{
    NewConsentText, OrgAgreement, OrgConsentText, OrgConsents, is_consent_body, is_consent_purpose,
};

use crate::components::button::Button;
use crate::components::field::{TextArea, TextField, focus_first_wrong};
use crate::components::icon::icon_name;
use crate::components::notice::Skeleton;
use crate::components::org_form::{failed, form, keep_focus, keep_focus_on, needed, unfetched};
use crate::components::when::When;
use crate::logic::org_members::called;
use crate::state::{App, OrgRequests, app, memo, run};
use crate::strings::{count, fill, org_requests};
use crate::web::error::ApiError;

/// What the list looks like.
#[derive(Clone, PartialEq)]
enum Face {
    Loading,
    Failed(ApiError),
    Empty,
    Texts,
}

/// What the parts share.
#[derive(Clone, Copy)]
struct Consents {
    app: App,
    requests: OrgRequests,
    busy: RwSignal<bool>,
    failure: RwSignal<Option<ApiError>>,
}

#[component]
pub fn OrgConsentTexts(requests: OrgRequests) -> impl IntoView {
    let this = Consents {
        app: app(),
        requests,
        busy: RwSignal::new(false),
        failure: RwSignal::new(None),
    };
    let face = memo(move || match requests.consents() {
        None => Face::Loading,
        Some(Err(error)) => Face::Failed(error),
        Some(Ok(known)) if known.texts.is_empty() => Face::Empty,
        Some(Ok(_)) => Face::Texts,
    });
    let is_admin = memo(move || this.known().is_some_and(|known| known.is_admin));
    view! {
        <section aria-labelledby="org-consents-title" data-testid="org-consents">
            <div>
                <h3 id="org-consents-title" tabindex="-1">{org_requests().consents}</h3>
                <p>{org_requests().consents_text}</p>
            </div>
            {failed(this.failure)}
            {move || match face.get() {
                Face::Loading => view! { <Skeleton rows=2/> }.into_any(),
                Face::Failed(error) => {
                    let retry = Callback::new(move |()| {
                        requests.retry();
                        keep_focus("#org-consents-title".to_owned());
                    });
                    unfetched(org_requests().consents_failed, &error, retry)
                }
                Face::Empty => {
                    view! { <p data-testid="no-consent-texts">{org_requests().consents_none}</p> }.into_any()
                }
                Face::Texts => leptos::prelude::untrack(|| this.texts(is_admin)),
            }}
            <Show when=move || is_admin.get()>{this.form()}</Show>
        </section>
    }
    .into_any()
}

impl Consents {
    /// What is known of them, which is followed.
    fn known(self) -> Option<OrgConsents> {
        self.requests.consents()?.ok()
    }

    /// A text, which is followed.
    fn find(self, id: &str) -> Option<OrgConsentText> {
        let mut texts = self.known()?.texts.into_iter();
        texts.find(|text| text.id.to_string() == id)
    }

    fn texts(self, is_admin: Memo<bool>) -> AnyView {
        let ids = memo(move || {
            let texts = self.known().map(|known| known.texts).unwrap_or_default();
            let ids = texts.iter().map(|text| text.id.to_string());
            ids.collect::<Vec<String>>()
        });
        view! {
            <div class="org-consents">
                // A text stays while it changes, so that the focus is where it was.
                <For each=move || ids.get() key=|id| id.clone() let:id>
                    {self.text(id, is_admin)}
                </For>
            </div>
        }
        .into_any()
    }

    fn text(self, id: String, is_admin: Memo<bool>) -> AnyView {
        let t = org_requests();
        // What was published never changes; the rest is followed.
        let Some(published) = leptos::prelude::untrack(|| self.find(&id)) else {
            return ().into_any();
        };
        let OrgConsentText {
            purpose,
            version,
            body,
            ..
        } = published;
        let title = fill(t.consent_title, &[&purpose, &version.to_string()]);
        let heading = format!("consent-{id}");
        let label = heading.clone();
        let of = id.clone();
        let text = memo(move || self.find(&of));
        let waits = memo(move || text.with(|it| it.as_ref().is_some_and(|it| it.waits)));
        let is_old = memo(move || text.with(|it| it.as_ref().is_some_and(|it| !it.is_current)));
        view! {
            <article
                class="org-consent"
                aria-labelledby=heading.clone()
                data-testid="consent-text"
                data-consent=id.clone()
                data-purpose=purpose
                data-version=version.to_string()
                data-waits=move || waits.get().to_string()
            >
                <header class="org-head">
                    <h4 id=heading tabindex="-1">{title.clone()}</h4>
                    <span class="grow"></span>
                    <Show when=move || waits.get()>
                        <span class="badge">{t.consent_waits}</span>
                    </Show>
                    <Show when=move || is_old.get()>
                        <span class="badge">{t.consent_old}</span>
                    </Show>
                </header>
                <pre tabindex="0" role="group" aria-label=fill(t.consent_body, &[&title])>{body}</pre>
                {standing(text)}
                <div class="org-actions" role="group" aria-labelledby=label>
                    {self.button(id, title, text)}
                </div>
                {agreements(text, is_admin)}
            </article>
        }
        .into_any()
    }

    /// Agrees to a text or takes that back: one button, so that the focus stays where it is.
    fn button(self, id: String, title: String, text: Memo<Option<OrgConsentText>>) -> AnyView {
        let t = org_requests();
        let agrees =
            memo(move || text.with(|it| it.as_ref().is_some_and(|it| it.agreed_at.is_some())));
        let can_say = memo(move || text.with(|it| it.as_ref().is_some_and(can_say)));
        let label = Signal::derive(move || match agrees.get() {
            true => t.take_back.to_owned(),
            false => t.agree.to_owned(),
        });
        let say = Callback::new(move |()| {
            self.say(id.clone(), title.clone(), !agrees.get_untracked());
        });
        view! {
            <Show when=move || can_say.get()>
                <Button label=label busy=self.busy testid="say-of-consent" on_click=say/>
            </Show>
        }
        .into_any()
    }

    fn say(self, id: String, title: String, agrees: bool) {
        self.failure.set(None);
        run(self.busy, async move {
            let api = self.app.api();
            let said = api.say_of_consent_text(self.requests.org, &id, agrees);
            match said.await {
                Ok(known) => {
                    let t = org_requests();
                    let said = if agrees { t.agreed } else { t.taken_back };
                    self.app.ui.say(fill(said, &[&title]));
                    let has_button =
                        |text: &OrgConsentText| text.id.to_string() == id && can_say(text);
                    let stays = known.texts.iter().any(has_button);
                    self.requests.take_consents(known);
                    match stays {
                        true => keep_focus(format!(
                            "[data-consent='{id}'] [data-testid=say-of-consent]"
                        )),
                        false => keep_focus("#org-consents-title".to_owned()),
                    }
                }
                Err(error) => {
                    self.failure.set(Some(error));
                    keep_focus(format!(
                        "[data-consent='{id}'] [data-testid=say-of-consent]"
                    ));
                }
            }
        });
    }

    fn form(self) -> AnyView {
        let t = org_requests();
        let (purpose, body) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
        let (tried, busy) = (RwSignal::new(false), RwSignal::new(false));
        let failure = RwSignal::new(None);
        // What is wrong with a field is said once it was tried to publish, and goes as it is mended.
        let problem =
            move |value: RwSignal<String>, is_right: fn(&str) -> bool, wrong: &'static str| {
                let missing = needed(tried, value);
                Signal::derive(move || {
                    let is_wrong = tried.get() && value.with(|value| !is_right(value.trim()));
                    missing.get().or(is_wrong.then(|| wrong.to_owned()))
                })
            };
        let submit = Callback::new(move |()| {
            tried.set(true);
            failure.set(None);
            let wanted = NewConsentText {
                purpose: purpose.with_untracked(|it| it.trim().to_owned()),
                body: body.with_untracked(|it| it.trim().to_owned()),
            };
            if !is_consent_purpose(&wanted.purpose) || !is_consent_body(&wanted.body) {
                return focus_first_wrong("[data-testid=publish-consent-form]");
            }
            run(busy, async move {
                let api = self.app.api();
                match api.publish_consent_text(self.requests.org, &wanted).await {
                    Ok(known) => {
                        tried.set(false);
                        purpose.set(String::new());
                        body.set(String::new());
                        self.requests.take_consents(known);
                        self.app.ui.say(fill(t.published, &[&wanted.purpose]));
                        keep_focus_on("consent-purpose");
                    }
                    Err(error) => {
                        failure.set(Some(error));
                        keep_focus_on("publish-consent");
                    }
                }
            });
        });
        let fields = view! {
            <h4>{t.publish_title}</h4>
            <div class="fields">
                <TextField
                    label=t.purpose
                    value=purpose
                    hint=t.purpose_hint
                    problem=problem(purpose, is_consent_purpose, t.purpose_wrong)
                    mono=true
                    testid="consent-purpose"
                />
                <TextArea
                    label=t.body
                    value=body
                    hint=t.body_hint
                    problem=problem(body, is_consent_body, t.body_wrong)
                    rows=6
                    wide=true
                    testid="consent-body"
                />
            </div>
        };
        let button = view! {
            <Button
                label=t.publish
                icon_name=icon_name!("plus")
                busy=busy
                testid="publish-consent"
                on_click=submit
            />
        };
        form("publish-consent-form", fields, failure, button, submit)
    }
}

/// Whoever is signed in can agree to a text, or take that back. What is not there yet cannot be agreed to.
fn can_say(text: &OrgConsentText) -> bool {
    text.agreed_at.is_some() || (text.is_current && text.published_at.is_some())
}

/// Since when whoever is signed in agrees to a text.
fn standing(text: Memo<Option<OrgConsentText>>) -> AnyView {
    let since = memo(move || text.with(|it| it.as_ref().and_then(|it| it.agreed_at)));
    let standing = move || match since.get() {
        Some(at) => {
            view! { <span>{org_requests().consent_agreed}" · "<When at=at long=true/></span> }
                .into_any()
        }
        None => org_requests().consent_not_agreed.into_any(),
    };
    view! { <p data-testid="consent-standing">{standing}</p> }.into_any()
}

/// Who agrees to a text, for admins.
fn agreements(text: Memo<Option<OrgConsentText>>, is_admin: Memo<bool>) -> AnyView {
    let all = memo(move || {
        let agreements = text.with(|it| it.as_ref().map(|it| it.agreements.clone()));
        agreements.unwrap_or_default()
    });
    let list = move || {
        let t = org_requests();
        let all = all.get();
        let said = match u64::try_from(all.len()).unwrap_or(u64::MAX) {
            0 => t.agrees_nobody.to_owned(),
            number => count(number, t.agrees_one, t.agrees_many),
        };
        let rows = all.into_iter().map(agreement).collect_view();
        view! {
            <div data-testid="consent-agreements">
                <p>{said}</p>
                <ul class="org-people">{rows}</ul>
            </div>
        }
        .into_any()
    };
    view! { {move || is_admin.get().then(&list)} }.into_any()
}

fn agreement(OrgAgreement { person, at }: OrgAgreement) -> AnyView {
    let name = called(&person);
    view! {
        <li data-agreement=person.user.to_string()>
            <span class="org-person">
                <span>{name}</span>
                <small>{org_requests().agreed_when}" · "<When at=at long=true/></small>
            </span>
        </li>
    }
    .into_any()
}
