//! What of a trail is looked for.

use crate::view::prelude::*;
use berth_protocol::tenant::OrgTrailPerson;

use crate::components::button::Button;
use crate::components::field::{SelectField, TextField};
use crate::components::icon::icon_name;
use crate::components::org_form::form;
use crate::logic::org_trail::SYSTEM;
use crate::state::memo;
use crate::strings::{fill, org_trail};
use crate::web::error::ApiError;
use crate::web::org_trail::{asked, day_begins};

/// Events that are fetched at once.
const PAGE: &str = "100";

/// What the fields hold.
#[derive(Clone, Copy)]
pub struct Filter {
    action: RwSignal<String>,
    /// A pseudonym; nothing for anybody.
    person: RwSignal<String>,
    /// Days, as fields for dates give them.
    from: RwSignal<String>,
    until: RwSignal<String>,
    session: RwSignal<String>,
    kind: RwSignal<String>,
}

impl Filter {
    pub fn new() -> Self {
        let empty = || RwSignal::new(String::new());
        Self {
            action: empty(),
            person: empty(),
            from: empty(),
            until: empty(),
            session: empty(),
            kind: empty(),
        }
    }

    pub fn clear(self) {
        let Self {
            action,
            person,
            from,
            until,
            session,
            kind,
        } = self;
        for field in [action, person, from, until, session, kind] {
            field.set(String::new());
        }
    }

    /// Looks, of what it looks for now, only for events of this session.
    pub fn only_session(self, session: &str) {
        self.session.set(session.to_owned());
    }

    /// Looks, of what it looks for now, only for what happened to this kind of thing.
    pub fn only_kind(self, kind: &str) {
        self.kind.set(kind.to_owned());
    }

    /// As the engine is asked for it.
    pub fn question(self) -> String {
        let mut question = String::new();
        // Spaces stand beside commas only for people.
        let action = self.action.get_untracked().replace(' ', "");
        asked(&mut question, "action", action.trim_end_matches(','));
        asked(&mut question, "person", &self.person.get_untracked());
        let from = day_begins(&self.from.get_untracked(), 0);
        asked(&mut question, "from", &from.unwrap_or_default());
        // The last day belongs to what is looked for.
        let until = day_begins(&self.until.get_untracked(), 1);
        asked(&mut question, "until", &until.unwrap_or_default());
        asked(&mut question, "session_id", &self.session.get_untracked());
        asked(&mut question, "subject_kind", &self.kind.get_untracked());
        question
    }
}

/// As the engine is asked for a page of what is looked for.
pub fn page(mut question: String, after: Option<i64>) -> String {
    asked(&mut question, "limit", PAGE);
    let after = after.map_or_else(String::new, |after| after.to_string());
    asked(&mut question, "after", &after);
    question
}

pub fn form_of(
    filter: Filter,
    people: RwSignal<Vec<OrgTrailPerson>>,
    busy: RwSignal<bool>,
    apply: Callback<()>,
) -> AnyView {
    let options = memo(move || {
        let mut options = vec![
            (String::new(), org_trail().anybody.to_owned()),
            (SYSTEM.to_owned(), org_trail().system.to_owned()),
        ];
        people.with(|people| {
            options.extend(people.iter().map(|person| {
                let name = match person.name() {
                    Some(name) => name.to_owned(),
                    None => fill(org_trail().unknown, &[&person.pseudonym]),
                };
                (person.pseudonym.clone(), name)
            }));
        });
        options
    });
    let fields = view! {
        <div class="org-trail-fields">
            <TextField
                label=org_trail().action
                value=filter.action
                hint=org_trail().action_hint
                mono=true
                testid="org-trail-action"
            />
            <SelectField
                label=org_trail().person
                value=filter.person
                options=options
                on_select=Callback::new(move |person| filter.person.set(person))
                testid="org-trail-person"
            />
            {day(org_trail().from, filter.from, "org-trail-from")}
            {day(org_trail().until, filter.until, "org-trail-until")}
            <TextField
                label=org_trail().session
                value=filter.session
                hint=org_trail().session_hint
                mono=true
                testid="org-trail-session"
            />
            <TextField
                label=org_trail().kind
                value=filter.kind
                hint=org_trail().kind_hint
                mono=true
                testid="org-trail-kind"
            />
        </div>
    }
    .into_any();
    let button = view! {
        <Button
            label=org_trail().apply
            icon_name=icon_name!("search")
            busy=busy
            testid="apply-org-trail"
            on_click=apply
        />
    };
    // Why it failed is said where the events would be.
    let failure = RwSignal::new(None::<ApiError>);
    form(
        "org-trail-filter",
        fields,
        failure,
        button.into_any(),
        apply,
    )
}

fn day(label: &'static str, value: RwSignal<String>, id: &'static str) -> AnyView {
    view! {
        <div class="field">
            <label class="field-label" for=id>{label}</label>
            <input
                type="date"
                class="input"
                id=id
                data-testid=id
                prop:value=value
                on:input=move |event| value.set(event_target_value(&event))
            />
        </div>
    }
    .into_any()
}
