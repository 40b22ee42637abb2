//! Which model takes which request, and the access to Vertex AI.

use crate::view::prelude::*;
use berth_protocol::RouterKind;

use super::draft::Draft;
use crate::components::field::{Options, SelectField, TextField};
use crate::logic::router_form::{Form, LONG_CONTEXT};
use crate::state::memo;
use crate::strings::{fill, router_editor};

/// The routes by the fields of their problems, and by their names for tests.
const FIELDS: [&str; 6] = [
    "routes.default",
    "routes.background",
    "routes.think",
    "routes.long_context",
    "routes.web_search",
    "routes.image",
];
const TEST_IDS: [&str; 6] = [
    "route-default",
    "route-background",
    "route-think",
    "route-long-context",
    "route-web-search",
    "route-image",
];

#[component]
pub fn Routes(draft: Draft) -> impl IntoView {
    let labels = [
        router_editor().route_default,
        router_editor().route_background,
        router_editor().route_think,
        router_editor().route_long_context,
        router_editor().route_web_search,
        router_editor().route_image,
    ];
    let shown = memo(move || Form::route_count(draft.kind.get()));
    let targets = memo(move || draft.form.with(Form::targets));
    let route = move |at: usize| {
        let value = Signal::derive(move || match at {
            0 => draft.form.with(Form::default_route),
            _ => draft.routes[at].get(),
        });
        let hint = if at == 2 {
            router_editor().route_think_hint
        } else {
            ""
        };
        view! {
            <SelectField
                label=labels[at]
                value=value
                options=Signal::derive(move || options(at, &targets.get(), &value.get(), draft))
                on_select=Callback::new(move |chosen| draft.routes[at].set(chosen))
                hint=hint
                problem=draft.problem(FIELDS[at])
                testid=TEST_IDS[at]
            />
        }
    };
    let has_long =
        move || shown.get() > LONG_CONTEXT && !draft.routes[LONG_CONTEXT].get().is_empty();
    view! {
        <section class="form-part" aria-labelledby="router-routes">
            <h3 id="router-routes">{router_editor().routes}</h3>
            <p class="form-text">{router_editor().routes_hint}</p>
            <div class="fields">
                {move || (0..shown.get()).map(route).collect_view()}
                <Show when=has_long>
                    <TextField
                        label=router_editor().route_threshold
                        value=draft.threshold
                        hint=router_editor().route_threshold_hint
                        problem=draft.problem("routes.long_context_threshold")
                        testid="route-threshold"
                    />
                </Show>
            </div>
        </section>
    }
    .into_any()
}

/// What a route can lead to, and where it leads now even if that is gone.
fn options(at: usize, targets: &[(String, String)], now: &str, draft: Draft) -> Options {
    let mut all = Vec::new();
    if at > 0 {
        all.push((String::new(), router_editor().route_same.to_owned()));
    } else if targets.is_empty() && now.is_empty() {
        all.push((String::new(), router_editor().route_none.to_owned()));
    }
    all.extend(targets.iter().cloned());
    if !now.is_empty() && all.iter().all(|(value, _)| value != now) {
        let shown = draft.form.with(|form| form.shown(now));
        all.push((now.to_owned(), fill(router_editor().route_gone, &[&shown])));
    }
    all
}

#[component]
pub fn Vertex(draft: Draft) -> impl IntoView {
    let names_models = memo(move || draft.kind.get() == RouterKind::ClaudeVertex);
    let credentials = [
        (DEFAULT, router_editor().vertex_default_credentials),
        (FILE, router_editor().vertex_file),
    ];
    let credentials = credentials.map(|(value, shown)| (value.to_owned(), shown.to_owned()));
    let from_file = draft.from_file;
    let hint = Signal::derive(move || {
        match from_file.get() {
            true => router_editor().vertex_file_hint,
            false => router_editor().vertex_default_credentials_hint,
        }
        .to_owned()
    });
    view! {
        <section class="form-part" aria-labelledby="router-vertex">
            <h3 id="router-vertex">{router_editor().vertex}</h3>
            <div class="fields">
                <TextField
                    label=router_editor().vertex_project
                    value=draft.project
                    hint=router_editor().vertex_project_hint
                    problem=draft.problem("vertex.project")
                    mono=true
                    testid="vertex-project"
                />
                <TextField
                    label=router_editor().vertex_location
                    value=draft.location
                    hint=router_editor().vertex_location_hint
                    problem=draft.problem("vertex.location")
                    mono=true
                    testid="vertex-location"
                />
                <SelectField
                    label=router_editor().vertex_credentials
                    value=Signal::derive(move || if from_file.get() { FILE } else { DEFAULT }.to_owned())
                    options=Signal::stored(credentials.to_vec())
                    on_select=Callback::new(move |chosen: String| from_file.set(chosen == FILE))
                    hint=hint
                    problem=draft.problem("vertex.credentials")
                    wide=true
                    testid="vertex-credentials"
                />
                <Show when=move || from_file.get()>
                    <TextField
                        label=router_editor().vertex_path
                        value=draft.path
                        problem=draft.problem("vertex.credentials.path")
                        placeholder="/path/to/key.json"
                        mono=true
                        wide=true
                        testid="vertex-path"
                    />
                </Show>
                <Show when=move || names_models.get()>
                    <TextField
                        label=router_editor().vertex_model
                        value=draft.model
                        hint=router_editor().vertex_model_hint
                        problem=draft.problem("vertex.model")
                        mono=true
                        testid="vertex-model"
                    />
                    <TextField
                        label=router_editor().vertex_small_model
                        value=draft.small_model
                        hint=router_editor().vertex_model_hint
                        problem=draft.problem("vertex.small_model")
                        mono=true
                        testid="vertex-small-model"
                    />
                </Show>
            </div>
        </section>
    }
    .into_any()
}

const DEFAULT: &str = "default";
const FILE: &str = "file";
