//! What is typed into the editor, a signal for each field, so that typing into one redraws no other.

use crate::view::prelude::*;
use berth_protocol::{AgentId, FieldProblem, McpOffers, OauthProvider, ProjectId, ToolRules};

use crate::components::stored_secret::Kept;
use crate::logic::mcp_form::{Auth, Form, Kind, SecretRow};
use crate::state::memo;

/// The row of a secret.
#[derive(Clone, Copy)]
pub struct Secret {
    pub row: u32,
    pub name: RwSignal<String>,
    pub value: RwSignal<String>,
    pub kept: RwSignal<Kept>,
}

impl Secret {
    fn new(from: &SecretRow) -> Self {
        Self {
            row: from.row,
            name: RwSignal::new(from.name.clone()),
            value: RwSignal::new(from.value.clone()),
            kept: RwSignal::new(Kept::Stays),
        }
    }

    fn row(self) -> SecretRow {
        SecretRow {
            row: self.row,
            name: self.name.get(),
            value: self.value.get(),
        }
    }
}

/// All fields.
#[derive(Clone, Copy)]
pub struct Draft {
    pub name: RwSignal<String>,
    pub kind: RwSignal<Kind>,
    pub command: RwSignal<String>,
    pub args: RwSignal<String>,
    pub env: RwSignal<String>,
    pub url: RwSignal<String>,
    pub headers: RwSignal<String>,
    pub secrets: RwSignal<Vec<Secret>>,
    pub auth: RwSignal<Auth>,
    pub token: RwSignal<String>,
    pub token_kept: RwSignal<Kept>,
    pub provider: RwSignal<OauthProvider>,
    pub client_id: RwSignal<String>,
    pub client_secret: RwSignal<String>,
    pub client_kept: RwSignal<Kept>,
    pub scopes: RwSignal<String>,
    pub without_resource: RwSignal<bool>,
    pub enabled: RwSignal<bool>,
    pub agents: RwSignal<Vec<AgentId>>,
    pub projects: RwSignal<Vec<ProjectId>>,
    pub sampling: RwSignal<bool>,
    pub roots: RwSignal<bool>,
    rules: RwSignal<ToolRules>,
    /// What the fields hold.
    pub form: Memo<Form>,
    /// What is wrong, once it was tried to save.
    pub problems: Memo<Vec<FieldProblem>>,
    /// It was tried to save, so problems are shown, and go as they are mended.
    pub tried: RwSignal<bool>,
    /// What the engine did not take, and why; it holds until something is changed.
    pub refused: RwSignal<Option<(Form, Vec<FieldProblem>)>>,
    next_row: StoredValue<u32>,
}

impl Draft {
    pub fn new(from: &Form) -> Self {
        let text = |text: &str| RwSignal::new(text.to_owned());
        let name = text(&from.name);
        let kind = RwSignal::new(from.kind);
        let command = text(&from.command);
        let args = text(&from.args);
        let env = text(&from.env);
        let url = text(&from.url);
        let headers = text(&from.headers);
        let secrets = RwSignal::new(from.secrets.iter().map(Secret::new).collect::<Vec<_>>());
        let auth = RwSignal::new(from.auth);
        let token = text(&from.token);
        let provider = RwSignal::new(from.provider);
        let client_id = text(&from.client_id);
        let client_secret = text(&from.client_secret);
        let scopes = text(&from.scopes);
        let without_resource = RwSignal::new(from.without_resource);
        let enabled = RwSignal::new(from.enabled);
        let agents = RwSignal::new(from.agents.clone());
        let projects = RwSignal::new(from.projects.clone());
        let sampling = RwSignal::new(from.offers.sampling);
        let roots = RwSignal::new(from.offers.roots);
        let rules = RwSignal::new(from.rules.clone());
        let form = memo(move || Form {
            name: name.get(),
            kind: kind.get(),
            command: command.get(),
            args: args.get(),
            env: env.get(),
            url: url.get(),
            headers: headers.get(),
            secrets: secrets.get().into_iter().map(Secret::row).collect(),
            auth: auth.get(),
            token: token.get(),
            provider: provider.get(),
            client_id: client_id.get(),
            client_secret: client_secret.get(),
            scopes: scopes.get(),
            without_resource: without_resource.get(),
            enabled: enabled.get(),
            agents: agents.get(),
            projects: projects.get(),
            rules: rules.get(),
            offers: McpOffers {
                sampling: sampling.get(),
                roots: roots.get(),
            },
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
        let rows = from.secrets.iter().map(|secret| secret.row);
        Self {
            name,
            kind,
            command,
            args,
            env,
            url,
            headers,
            secrets,
            auth,
            token,
            token_kept: RwSignal::new(Kept::Stays),
            provider,
            client_id,
            client_secret,
            client_kept: RwSignal::new(Kept::Stays),
            scopes,
            without_resource,
            enabled,
            agents,
            projects,
            sampling,
            roots,
            rules,
            form,
            problems,
            tried,
            refused,
            next_row: StoredValue::new(rows.max().map_or(0, |row| row + 1)),
        }
    }

    /// Puts other values into all fields.
    pub fn fill(self, from: Form) {
        self.tried.set(false);
        self.refused.set(None);
        self.name.set(from.name);
        self.kind.set(from.kind);
        self.command.set(from.command);
        self.args.set(from.args);
        self.env.set(from.env);
        self.url.set(from.url);
        self.headers.set(from.headers);
        // Rows tell secrets apart, also from those before.
        let secrets = from.secrets.into_iter().map(|secret| {
            let row = self.take_row();
            Secret::new(&SecretRow { row, ..secret })
        });
        self.secrets.set(secrets.collect());
        self.auth.set(from.auth);
        self.token.set(from.token);
        self.token_kept.set(Kept::Stays);
        self.provider.set(from.provider);
        self.client_id.set(from.client_id);
        self.client_secret.set(from.client_secret);
        self.client_kept.set(Kept::Stays);
        self.scopes.set(from.scopes);
        self.without_resource.set(from.without_resource);
        self.enabled.set(from.enabled);
        self.agents.set(from.agents);
        self.projects.set(from.projects);
        self.sampling.set(from.offers.sampling);
        self.roots.set(from.offers.roots);
        self.rules.set(from.rules);
    }

    /// Adds an empty row for a secret.
    pub fn add_secret(self) -> u32 {
        let row = self.take_row();
        let secret = Secret::new(&SecretRow {
            row,
            ..SecretRow::default()
        });
        self.secrets.update(|secrets| secrets.push(secret));
        row
    }

    fn take_row(self) -> u32 {
        let row = self.next_row.get_value();
        self.next_row.set_value(row + 1);
        row
    }

    /// Something in the keychain is removed when it is saved.
    pub fn removes(self) -> bool {
        let goes = |kept: RwSignal<Kept>| kept.get_untracked() == Kept::Goes;
        let secrets = self.secrets.get_untracked();
        goes(self.token_kept)
            || goes(self.client_kept)
            || secrets.into_iter().any(|secret| goes(secret.kept))
    }

    /// What is wrong with a field.
    pub fn problem(self, field: &'static str) -> Signal<Option<String>> {
        Signal::derive(move || self.problem_now(field))
    }

    /// What is wrong with a field of a secret; its own, if it has no name here.
    pub fn secret_problem(self, row: u32, field: &'static str) -> Signal<Option<String>> {
        Signal::derive(move || {
            let at = self
                .secrets
                .with(|all| all.iter().position(|secret| secret.row == row))?;
            self.problem_now(&format!("secrets[{at}]{field}"))
        })
    }

    fn problem_now(self, field: &str) -> Option<String> {
        self.problems.with(|all| {
            let found = all.iter().find(|problem| problem.field == field);
            found.map(|problem| problem.message.clone())
        })
    }
}
