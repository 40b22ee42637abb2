//! Requests to erase what an organization knows of somebody. Everybody asks for themselves; admins ask for others too,
//! and perform what is asked for.

use crate::view::prelude::*;
use berth_protocol::tenant::{NewErasure, OrgErasure, OrgErasures, OrgPerson};

use crate::components::button::Button;
use crate::components::field::{SelectField, focus_first_wrong};
use crate::components::notice::Skeleton;
use crate::components::org_confirm::OrgConfirm;
use crate::components::org_form::{form, keep_focus, move_focus, unfetched};
use crate::components::when::When;
use crate::logic::org_members::called;
use crate::state::{App, OrgRequests, app, memo, run};
use crate::strings::{fill, org_requests};
use crate::web::error::ApiError;

/// What is asked before it is done.
#[derive(Clone, PartialEq)]
enum Question {
    /// Whether the erasure of somebody is to be asked for.
    Ask(OrgPerson),
    /// Whether a request is to be performed: the request, and whom it is about.
    Perform(String, OrgPerson),
}

/// What the list looks like.
#[derive(Clone, PartialEq)]
enum Face {
    Loading,
    Failed(ApiError),
    Empty,
    Requests,
}

/// What the parts share.
#[derive(Clone, Copy)]
struct Erasures {
    app: App,
    requests: OrgRequests,
    question: RwSignal<Option<Question>>,
    /// Of whom an admin asks for it, by their identifier; nobody when empty.
    chosen: RwSignal<String>,
    /// It was tried to ask, so that what is missing is shown.
    tried: RwSignal<bool>,
}

#[component]
pub fn OrgErasureRequests(requests: OrgRequests) -> impl IntoView {
    let this = Erasures {
        app: app(),
        requests,
        question: RwSignal::new(None),
        chosen: RwSignal::new(String::new()),
        tried: RwSignal::new(false),
    };
    let face = memo(move || match requests.erasures() {
        None => Face::Loading,
        Some(Err(error)) => Face::Failed(error),
        Some(Ok(known)) if known.requests.is_empty() => Face::Empty,
        Some(Ok(_)) => Face::Requests,
    });
    let is_admin = memo(move || this.is_admin());
    let people = memo(move || this.known().map(|known| known.people).unwrap_or_default());
    view! {
        <section aria-labelledby="org-erasures-title" data-testid="org-erasures">
            <div>
                <h3 id="org-erasures-title" tabindex="-1">{org_requests().erasures}</h3>
                <p>{org_requests().erasures_text}</p>
            </div>
            {move || match face.get() {
                Face::Loading => view! { <Skeleton rows=2/> }.into_any(),
                Face::Failed(error) => {
                    let retry = Callback::new(move |()| {
                        requests.retry();
                        keep_focus("#org-erasures-title".to_owned());
                    });
                    unfetched(org_requests().erasures_failed, &error, retry)
                }
                Face::Empty => {
                    view! { <p data-testid="no-erasures">{org_requests().erasures_none}</p> }.into_any()
                }
                Face::Requests => leptos::prelude::untrack(|| this.rows(is_admin)),
            }}
            {move || match is_admin.get() {
                true => leptos::prelude::untrack(|| this.choice(people)),
                false => leptos::prelude::untrack(|| this.own(people)),
            }}
            {move || {
                this.question
                    .get()
                    .map(|question| leptos::prelude::untrack(|| this.dialog(question)))
            }}
        </section>
    }
    .into_any()
}

impl Erasures {
    /// What is known of them, which is followed.
    fn known(self) -> Option<OrgErasures> {
        self.requests.erasures()?.ok()
    }

    /// Whoever is signed in may perform them, which is followed.
    fn is_admin(self) -> bool {
        self.known().is_some_and(|known| known.is_admin)
    }

    fn rows(self, is_admin: Memo<bool>) -> AnyView {
        let all = memo(move || self.known().map(|known| known.requests).unwrap_or_default());
        view! {
            <ul class="org-people">
                <For each=move || all.get() key=|it| (it.id, it.performed_at.is_some()) let:request>
                    {self.row(&request, is_admin)}
                </For>
            </ul>
        }
        .into_any()
    }

    fn row(self, request: &OrgErasure, is_admin: Memo<bool>) -> AnyView {
        let t = org_requests();
        let id = request.id.to_string();
        let (state, word) = match request.performed_at {
            None => ("open", t.erasure_open),
            Some(_) => ("performed", t.erasure_done),
        };
        let name = request
            .person
            .as_ref()
            .map_or_else(|| t.erased.to_owned(), called);
        let performed = request.performed_at.map(|at| {
            view! { <small>{t.erasure_done}" · "<When at=at long=true/></small> }
        });
        let open = request.person.clone();
        let open = open.filter(|_| request.performed_at.is_none());
        let act = open.map(|person| match person.is_you {
            true => {
                view! {
                    <Show when=move || is_admin.get()>
                        <small>{t.erasure_own}</small>
                    </Show>
                }
            }
            false => self.erase(request.id.to_string(), person, is_admin),
        });
        view! {
            <li data-testid="erasure-row" data-request=id data-state=state>
                <span class="org-person">
                    <span>{name}</span>
                    <small>{asked_by(request)}" · "<When at=request.requested_at long=true/></small>
                    {performed}
                </span>
                <span class="badge">{word}</span>
                {act}
            </li>
        }
        .into_any()
    }

    /// The button that leads to erasing somebody.
    fn erase(self, request: String, person: OrgPerson, is_admin: Memo<bool>) -> AnyView {
        let named = fill(org_requests().erase_named, &[&called(&person)]);
        let question = Question::Perform(request, person);
        let button = move || {
            let question = question.clone();
            view! {
                <button
                    type="button"
                    class="button button-quiet"
                    aria-label=named.clone()
                    data-testid="perform-erasure"
                    on:click=move |_| self.question.set(Some(question.clone()))
                >
                    <span>{org_requests().erase}</span>
                </button>
            }
            .into_any()
        };
        view! { <Show when=move || is_admin.get()>{button()}</Show> }.into_any()
    }

    /// Asks for oneself.
    fn own(self, people: Memo<Vec<OrgPerson>>) -> AnyView {
        let ask = Callback::new(move |()| {
            let you = people.get_untracked().into_iter().find(|it| it.is_you);
            self.question.set(you.map(Question::Ask));
        });
        view! {
            <Show when=move || people.with(|people| people.iter().any(|it| it.is_you))>
                <div class="org-actions">
                    <Button label=org_requests().ask_own testid="ask-own-erasure" on_click=ask/>
                </div>
            </Show>
        }
        .into_any()
    }

    /// Asks for anybody.
    fn choice(self, people: Memo<Vec<OrgPerson>>) -> AnyView {
        let t = org_requests();
        let options = memo(move || {
            let none = (String::new(), t.whose_none.to_owned());
            let people = people.get().into_iter().map(|person| {
                let name = called(&person);
                let shown = match person.is_you {
                    true => fill(t.person_you, &[&name]),
                    false => name,
                };
                (person.user.to_string(), shown)
            });
            std::iter::once(none).chain(people).collect::<Vec<_>>()
        });
        let find = move |id: &str| {
            let mut people = people.get().into_iter();
            people.find(|person| person.user.to_string() == id)
        };
        let problem = Signal::derive(move || {
            let is_missing = self.tried.get() && find(&self.chosen.get()).is_none();
            is_missing.then(|| t.whose_needed.to_owned())
        });
        let submit = Callback::new(move |()| {
            self.tried.set(true);
            let chosen = leptos::prelude::untrack(|| find(&self.chosen.get()));
            match chosen {
                Some(person) => self.question.set(Some(Question::Ask(person))),
                None => focus_first_wrong("[data-testid=ask-erasure-form]"),
            }
        });
        let field = view! {
            <SelectField
                label=t.whose
                value=self.chosen
                options=options
                problem=problem
                on_select=Callback::new(move |id| self.chosen.set(id))
                testid="erasure-of"
            />
        };
        let button = view! { <Button label=t.ask testid="ask-erasure" on_click=submit/> };
        form(
            "ask-erasure-form",
            field,
            RwSignal::new(None),
            button,
            submit,
        )
    }

    /// Says what is erased and what stays, and asks.
    fn dialog(self, question: Question) -> AnyView {
        let t = org_requests();
        let (busy, failure) = (RwSignal::new(false), RwSignal::new(None));
        let (title, text, action) = match &question {
            Question::Ask(person) if person.is_you => {
                (t.ask_own_title.to_owned(), t.ask_text, t.ask)
            }
            Question::Ask(person) => (fill(t.ask_title, &[&called(person)]), t.ask_text, t.ask),
            Question::Perform(_, person) => (
                fill(t.erase_title, &[&called(person)]),
                t.erase_text,
                t.erase,
            ),
        };
        let close = Callback::new(move |()| self.question.set(None));
        let confirm = Callback::new(move |()| {
            let question = question.clone();
            failure.set(None);
            run(busy, async move {
                let done = self.carry_out(&question).await;
                // Whoever has closed it meanwhile may be elsewhere, or be asked about somebody else.
                let is_open = failure.try_with_untracked(|_| ()).is_some();
                match done {
                    Ok(said) => {
                        self.app.ui.say(said);
                        if is_open {
                            self.question.set(None);
                            self.chosen.set(String::new());
                            self.tried.set(false);
                            // The button that the dialog gives the focus back to may be about to go.
                            move_focus("#org-erasures-title");
                        }
                    }
                    Err(error) if is_open => failure.set(Some(error)),
                    Err(error) => self.app.complain(&error),
                }
                self.requests.fetch();
            });
        });
        view! {
            <OrgConfirm
                title=title
                text=text
                action=action
                busy=busy
                failure=failure
                on_confirm=confirm
                on_close=close
            >
                {facts()}
            </OrgConfirm>
        }
        .into_any()
    }

    /// Does what was asked about; gives what is said of it.
    async fn carry_out(self, question: &Question) -> Result<String, ApiError> {
        let (t, api, org) = (org_requests(), self.app.api(), self.requests.org);
        match question {
            Question::Ask(person) => {
                let wanted = NewErasure {
                    user: Some(person.user),
                };
                api.ask_for_erasure(org, &wanted).await?;
                Ok(match person.is_you {
                    true => t.asked_own.to_owned(),
                    false => fill(t.asked, &[&called(person)]),
                })
            }
            Question::Perform(id, person) => {
                api.perform_erasure(org, id).await?;
                Ok(fill(t.erase_done, &[&called(person)]))
            }
        }
    }
}

/// Who has asked.
fn asked_by(request: &OrgErasure) -> String {
    let t = org_requests();
    match &request.requested_by {
        None => t.asked_by_erased.to_owned(),
        Some(person) if person.is_you => t.asked_by_you.to_owned(),
        Some(person) => fill(t.asked_by, &[&called(person)]),
    }
}

/// What performing a request erases, and what it leaves.
fn facts() -> AnyView {
    let t = org_requests();
    let goes = [
        t.goes_membership,
        t.goes_name,
        t.goes_own,
        t.goes_authorship,
        t.goes_trail,
    ];
    let stays = [t.stays_written, t.stays_trail, t.stays_id, t.stays_local];
    let goes = goes.map(|text| view! { <li>{text}</li> });
    let stays = stays.map(|text| view! { <li>{text}</li> });
    view! {
        <div class="org-erasure-facts" data-testid="erasure-facts">
            <h3>{t.goes}</h3>
            <ul>{goes.into_iter().collect_view()}</ul>
            <h3>{t.stays}</h3>
            <ul>{stays.into_iter().collect_view()}</ul>
        </div>
    }
    .into_any()
}
