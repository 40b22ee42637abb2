//! What of a trail is looked for.

use crate::view::prelude::*;
use berth_protocol::tenant::OrgTrailPerson;

use crate::components::button::Button;
use crate::components::field::{SelectField, TextField};
use crate::components::icon::icon_name;
use crate::components::org_form::form;
use crate::state::memo;
use crate::strings::{fill, org_trail};
use crate::web::error::ApiError;
use crate::web::org_trail::{asked, day_begins};

/// Events that are fetched at once.
const PAGE: &str = "100";

/// What stands for the backend itself among people.
pub const SYSTEM: &str = "system";

/// What the fields hold.
#[derive(Clone, Copy)]
pub struct Filter {
    action: RwSignal<String>,
    /// A pseudonym; nothing for anybody.
    person: RwSignal<String>,
    /// Days, as fields for dates give them.
    from: RwSignal<String>,
    until: RwSignal<String>,
}

impl Filter {
    pub fn new() -> Self {
        let empty = || RwSignal::new(String::new());
        Self {
            action: empty(),
            person: empty(),
            from: empty(),
            until: empty(),
        }
    }

    pub fn clear(self) {
        for field in [self.action, self.person, self.from, self.until] {
            field.set(String::new());
        }
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
