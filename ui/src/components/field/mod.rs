//! Fields of forms: a label, the control, what is wrong with it, and a hint.
//!
//! The hint and the problem belong to the control's description, so they are read with it. A form
//! moves the focus to its first control that is marked as wrong.

use crate::view::{html, prelude::*};

use crate::components::icon::{icon, icon_name};
use crate::web::{clock, dom};

static NEXT_ID: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);

/// What is the same for each field.
#[derive(Clone)]
struct Field {
    id: String,
    label: Signal<String>,
    hint: Signal<String>,
    problem: Signal<Option<String>>,
}

impl Field {
    fn new(label: Signal<String>, hint: Signal<String>, problem: Signal<Option<String>>) -> Self {
        let number = NEXT_ID.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Self {
            id: format!("field-{number}"),
            label,
            hint,
            problem,
        }
    }

    fn hint_id(&self) -> String {
        format!("{}-hint", self.id)
    }

    fn problem_id(&self) -> String {
        format!("{}-problem", self.id)
    }

    /// The names of what describes the control; none when nothing does.
    fn described(&self) -> impl Fn() -> Option<String> + 'static {
        let this = self.clone();
        move || {
            let problem = this.problem.get().map(|_| this.problem_id());
            let hint = Some(this.hint_id()).filter(|_| !this.hint.get().is_empty());
            match (problem, hint) {
                (Some(problem), Some(hint)) => Some(format!("{problem} {hint}")),
                (problem, hint) => problem.or(hint),
            }
        }
    }

    fn wrong(&self) -> impl Fn() -> Option<&'static str> + 'static {
        let problem = self.problem;
        move || problem.get().map(|_| "true")
    }

    /// The control with everything around it.
    fn around(self, wide: bool, control: AnyView) -> AnyView {
        let (hint_id, problem_id) = (self.hint_id(), self.problem_id());
        let Self {
            id,
            label,
            hint,
            problem,
        } = self;
        view! {
            <div class="field" class:is-wide=wide>
                <label class="field-label" for=id>{label}</label>
                {control}
                {move || {
                    let id = problem_id.clone();
                    problem
                        .get()
                        .map(|text| view! { <p class="field-problem" id=id>{icon(icon_name!("circle-alert"))}<span>{text}</span></p> })
                }}
                {move || {
                    let id = hint_id.clone();
                    Some(hint.get())
                        .filter(|text| !text.is_empty())
                        .map(|text| view! { <p class="field-hint" id=id>{text}</p> })
                }}
            </div>
        }
        .into_any()
    }
}

/// A line of text.
#[component]
pub fn TextField(
    #[prop(into)] label: Signal<String>,
    value: RwSignal<String>,
    #[prop(optional, into)] hint: Signal<String>,
    #[prop(optional, into)] problem: Signal<Option<String>>,
    #[prop(optional)] placeholder: &'static str,
    /// It is a name for programs, so it is not corrected, and each letter counts.
    #[prop(optional)]
    mono: bool,
    /// It is not shown while it is typed.
    #[prop(optional)]
    secret: bool,
    /// What a browser may fill in, by its name in HTML; nothing otherwise.
    #[prop(optional)]
    autocomplete: &'static str,
    #[prop(optional)] autofocus: bool,
    /// It takes the whole row.
    #[prop(optional)]
    wide: bool,
    #[prop(optional)] testid: &'static str,
) -> impl IntoView {
    let field = Field::new(label, hint, problem);
    let control = view! {
        <input
            type=if secret { "password" } else { "text" }
            class=if mono || secret { "input is-mono" } else { "input" }
            id=field.id.clone()
            aria-describedby=field.described()
            aria-invalid=field.wrong()
            placeholder=placeholder
            spellcheck="false"
            autocapitalize="off"
            // A browser offers to fill in and to remember what it takes for somebody's password.
            autocomplete=match autocomplete {
                "" if secret => "new-password",
                "" => "off",
                named => named,
            }
            autofocus=autofocus
            data-testid=(!testid.is_empty()).then_some(testid)
            prop:value=value
            on:input=move |event| value.set(event_target_value(&event))
        />
    };
    field.around(wide, control.into_any())
}

/// Several lines of text.
#[component]
pub fn TextArea(
    #[prop(into)] label: Signal<String>,
    value: RwSignal<String>,
    #[prop(optional, into)] hint: Signal<String>,
    #[prop(optional, into)] problem: Signal<Option<String>>,
    #[prop(default = 3)] rows: i32,
    #[prop(optional)] mono: bool,
    #[prop(optional)] wide: bool,
    /// It can be read and not changed.
    #[prop(optional)]
    readonly: bool,
    /// For whoever changes the text where the cursor is.
    #[prop(default = NodeRef::new())]
    node: NodeRef<html::Textarea>,
    #[prop(optional)] testid: &'static str,
) -> impl IntoView {
    let field = Field::new(label, hint, problem);
    let control = view! {
        <textarea
            node_ref=node
            readonly=readonly
            class=if mono { "input is-mono" } else { "input" }
            id=field.id.clone()
            aria-describedby=field.described()
            aria-invalid=field.wrong()
            rows=rows
            spellcheck="false"
            autocapitalize="off"
            data-testid=(!testid.is_empty()).then_some(testid)
            prop:value=value
            on:input=move |event| value.set(event_target_value(&event))
        ></textarea>
    };
    field.around(wide, control.into_any())
}

/// One thing to select: its value and how it is shown.
pub type Options = Vec<(String, String)>;

/// One of several.
#[component]
pub fn SelectField(
    #[prop(into)] label: Signal<String>,
    #[prop(into)] value: Signal<String>,
    on_select: Callback<String>,
    #[prop(into)] options: Signal<Options>,
    #[prop(optional, into)] hint: Signal<String>,
    #[prop(optional, into)] problem: Signal<Option<String>>,
    #[prop(optional)] wide: bool,
    #[prop(optional)] testid: &'static str,
) -> impl IntoView {
    let field = Field::new(label, hint, problem);
    let options = crate::state::memo(move || options.get());
    let control = view! {
        <select
            class="input"
            id=field.id.clone()
            aria-describedby=field.described()
            aria-invalid=field.wrong()
            data-testid=(!testid.is_empty()).then_some(testid)
            on:change=move |event| on_select.run(event_target_value(&event))
        >
            {move || {
                options
                    .get()
                    .into_iter()
                    .map(|(this, shown)| {
                        let of = this.clone();
                        view! { <option value=this prop:selected=move || value.get() == of>{shown}</option> }
                    })
                    .collect_view()
            }}
        </select>
    };
    field.around(wide, control.into_any())
}

/// Something that holds or does not.
#[component]
pub fn CheckField(
    #[prop(into)] label: Signal<String>,
    checked: RwSignal<bool>,
    #[prop(optional, into)] hint: Signal<String>,
    #[prop(optional, into)] problem: Signal<Option<String>>,
    #[prop(optional)] testid: &'static str,
) -> impl IntoView {
    let field = Field::new(label, hint, problem);
    let control = view! {
        <input
            type="checkbox"
            class="check"
            id=field.id.clone()
            aria-describedby=field.described()
            aria-invalid=field.wrong()
            data-testid=(!testid.is_empty()).then_some(testid)
            prop:checked=checked
            on:change=move |_| checked.update(|checked| *checked = !*checked)
        />
    };
    view! { <div class="check-field is-wide">{field.around(true, control.into_any())}</div> }
        .into_any()
}

/// Moves the focus to the first control that is wrong, once that is shown.
pub fn focus_first_wrong(form: &'static str) {
    crate::web::task::spawn_local(async move {
        clock::next_frame().await;
        dom::focus(&format!("{form} [aria-invalid=true]"));
    });
}
