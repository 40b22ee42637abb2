//! What is typed into the editor, a signal for each field, so that typing into one redraws no other.

use crate::view::prelude::*;
use berth_protocol::{AgentId, FieldProblem, ProjectId, PromptScope};

use crate::logic::prompt_form::Form;
use crate::state::memo;

/// All fields.
#[derive(Clone, Copy)]
pub struct Draft {
    pub scope: RwSignal<PromptScope>,
    pub name: RwSignal<String>,
    pub is_template: RwSignal<bool>,
    pub content: RwSignal<String>,
    pub priority: RwSignal<String>,
    pub enabled: RwSignal<bool>,
    pub agents: RwSignal<Vec<AgentId>>,
    pub projects: RwSignal<Vec<ProjectId>>,
    pub locked: RwSignal<bool>,
    /// What the fields hold.
    pub form: Memo<Form>,
    /// What is wrong, once it was tried to save.
    pub problems: Memo<Vec<FieldProblem>>,
    /// It was tried to save, so problems are shown, and go as they are mended.
    pub tried: RwSignal<bool>,
    /// What the engine did not take, and why; it holds until something is changed.
    pub refused: RwSignal<Option<(Form, Vec<FieldProblem>)>>,
    /// What the preview says of the words.
    pub said: RwSignal<Option<String>>,
}

impl Draft {
    pub fn new(from: &Form) -> Self {
        let scope = RwSignal::new(from.scope);
        let name = RwSignal::new(from.name.clone());
        let is_template = RwSignal::new(from.is_template);
        let content = RwSignal::new(from.content.clone());
        let priority = RwSignal::new(from.priority.clone());
        let enabled = RwSignal::new(from.enabled);
        let locked = RwSignal::new(from.locked);
        let agents = RwSignal::new(from.agents.clone());
        let projects = RwSignal::new(from.projects.clone());
        let form = memo(move || Form {
            scope: scope.get(),
            name: name.get(),
            is_template: is_template.get(),
            content: content.get(),
            priority: priority.get(),
            enabled: enabled.get(),
            locked: locked.get(),
            agents: agents.get(),
            projects: projects.get(),
        });
        let tried = RwSignal::new(false);
        let refused = RwSignal::new(None::<(Form, Vec<FieldProblem>)>);
        let problems = memo(move || {
            if !tried.get() {
                return Vec::new();
            }
            let now = form.get();
            let mut problems = now.problems();
            if let Some((before, told)) = refused.get()
                && before == now
            {
                problems.extend(told);
            }
            problems
        });
        Self {
            scope,
            name,
            is_template,
            content,
            priority,
            enabled,
            agents,
            projects,
            locked,
            form,
            problems,
            tried,
            refused,
            said: RwSignal::new(None),
        }
    }

    /// Puts other values into all fields.
    pub fn fill(self, from: Form) {
        self.tried.set(false);
        self.scope.set(from.scope);
        self.name.set(from.name);
        self.is_template.set(from.is_template);
        self.content.set(from.content);
        self.priority.set(from.priority);
        self.enabled.set(from.enabled);
        self.locked.set(from.locked);
        self.agents.set(from.agents);
        self.projects.set(from.projects);
    }

    /// What is wrong with a field.
    pub fn problem(self, field: &'static str) -> Signal<Option<String>> {
        Signal::derive(move || {
            self.problems.with(|all| {
                let found = all.iter().find(|problem| problem.field == field);
                found.map(|problem| problem.message.clone())
            })
        })
    }
}
