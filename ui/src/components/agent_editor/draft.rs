//! What is typed into the editor, a signal for each field, so that typing into one redraws no other.

use crate::view::prelude::*;
use berth_protocol::FieldProblem;

use crate::components::stored_secret::Kept;
use crate::logic::agent_form::{Form, Giving, Mode, Screen, SecretRow, Way, id_from};
use crate::state::{effect, memo};

/// The row of a secret.
#[derive(Clone, Copy)]
pub struct Secret {
    pub row: u32,
    pub name: RwSignal<String>,
    pub value: RwSignal<String>,
    pub kept: RwSignal<Kept>,
}

/// The card of a permission mode.
#[derive(Clone, Copy)]
pub struct Card {
    pub row: u32,
    pub id: RwSignal<String>,
    pub name: RwSignal<String>,
    pub description: RwSignal<String>,
    pub unchecked: RwSignal<bool>,
    pub args: RwSignal<String>,
    pub env: RwSignal<String>,
}

/// The fields of how something is given.
#[derive(Clone, Copy)]
pub struct Given {
    pub way: RwSignal<Way>,
    pub flag: RwSignal<String>,
    pub variable: RwSignal<String>,
    pub args: RwSignal<String>,
    pub env: RwSignal<String>,
    pub each_stdio: RwSignal<String>,
    pub each_http: RwSignal<String>,
}

/// The fields of the screen.
#[derive(Clone, Copy)]
pub struct Rules {
    pub settle_ms: RwSignal<String>,
    pub prompt: RwSignal<String>,
    pub placeholder: RwSignal<String>,
    pub busy: RwSignal<String>,
    pub echo: RwSignal<String>,
    pub bullet: RwSignal<String>,
    pub noise: RwSignal<String>,
    pub reads_lines: RwSignal<bool>,
    pub interrupt: RwSignal<Option<berth_protocol::InterruptKey>>,
}

/// All fields.
#[derive(Clone, Copy)]
pub struct Draft {
    pub name: RwSignal<String>,
    pub id: RwSignal<String>,
    pub like: RwSignal<String>,
    pub program: RwSignal<String>,
    pub args: RwSignal<String>,
    pub env: RwSignal<String>,
    pub secrets: RwSignal<Vec<Secret>>,
    pub version_args: RwSignal<String>,
    pub acp: RwSignal<bool>,
    pub acp_args: RwSignal<String>,
    pub instructions: Given,
    pub mcp: Given,
    pub modes: RwSignal<Vec<Card>>,
    pub screen: Rules,
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

fn text(text: &str) -> RwSignal<String> {
    RwSignal::new(text.to_owned())
}

impl Secret {
    fn new(from: &SecretRow) -> Self {
        Self {
            row: from.row,
            name: text(&from.name),
            value: text(&from.value),
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

impl Card {
    fn new(from: &Mode) -> Self {
        Self {
            row: from.row,
            id: text(&from.id),
            name: text(&from.name),
            description: text(&from.description),
            unchecked: RwSignal::new(from.unchecked),
            args: text(&from.args),
            env: text(&from.env),
        }
    }

    fn mode(self) -> Mode {
        Mode {
            row: self.row,
            id: self.id.get(),
            name: self.name.get(),
            description: self.description.get(),
            unchecked: self.unchecked.get(),
            args: self.args.get(),
            env: self.env.get(),
        }
    }
}

impl Given {
    fn new(from: &Giving) -> Self {
        Self {
            way: RwSignal::new(from.way),
            flag: text(&from.flag),
            variable: text(&from.variable),
            args: text(&from.args),
            env: text(&from.env),
            each_stdio: text(&from.each_stdio),
            each_http: text(&from.each_http),
        }
    }

    fn giving(self) -> Giving {
        Giving {
            way: self.way.get(),
            flag: self.flag.get(),
            variable: self.variable.get(),
            args: self.args.get(),
            env: self.env.get(),
            each_stdio: self.each_stdio.get(),
            each_http: self.each_http.get(),
        }
    }
}

impl Rules {
    fn new(from: &Screen) -> Self {
        Self {
            settle_ms: text(&from.settle_ms),
            prompt: text(&from.prompt),
            placeholder: text(&from.placeholder),
            busy: text(&from.busy),
            echo: text(&from.echo),
            bullet: text(&from.bullet),
            noise: text(&from.noise),
            reads_lines: RwSignal::new(from.reads_lines),
            interrupt: RwSignal::new(from.interrupt),
        }
    }

    fn screen(self) -> Screen {
        Screen {
            settle_ms: self.settle_ms.get(),
            prompt: self.prompt.get(),
            placeholder: self.placeholder.get(),
            busy: self.busy.get(),
            echo: self.echo.get(),
            bullet: self.bullet.get(),
            noise: self.noise.get(),
            reads_lines: self.reads_lines.get(),
            interrupt: self.interrupt.get(),
        }
    }
}

impl Draft {
    /// The fields of a form. With names that are `taken`, the id follows the name until it is typed.
    pub fn new(from: &Form, taken: Option<Vec<String>>) -> Self {
        let (name, id) = (text(&from.name), text(&from.id));
        let like = text(&from.like);
        let program = text(&from.program);
        let (args, env) = (text(&from.args), text(&from.env));
        let secrets = RwSignal::new(from.secrets.iter().map(Secret::new).collect::<Vec<_>>());
        let version_args = text(&from.version_args);
        let (acp, acp_args) = (RwSignal::new(from.acp), text(&from.acp_args));
        let instructions = Given::new(&from.instructions);
        let mcp = Given::new(&from.mcp);
        let modes = RwSignal::new(from.modes.iter().map(Card::new).collect::<Vec<_>>());
        let screen = Rules::new(&from.screen);
        if let Some(taken) = taken {
            id_follows(name, id, taken);
        }
        let form = memo(move || Form {
            name: name.get(),
            id: id.get(),
            like: like.get(),
            program: program.get(),
            args: args.get(),
            env: env.get(),
            secrets: secrets.get().into_iter().map(Secret::row).collect(),
            version_args: version_args.get(),
            acp: acp.get(),
            acp_args: acp_args.get(),
            instructions: instructions.giving(),
            mcp: mcp.giving(),
            modes: modes.get().into_iter().map(Card::mode).collect(),
            screen: screen.screen(),
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
        let rows = rows.chain(from.modes.iter().map(|mode| mode.row));
        Self {
            name,
            id,
            like,
            program,
            args,
            env,
            secrets,
            version_args,
            acp,
            acp_args,
            instructions,
            mcp,
            modes,
            screen,
            form,
            problems,
            tried,
            refused,
            next_row: StoredValue::new(rows.max().map_or(0, |row| row + 1)),
        }
    }

    fn take_row(self) -> u32 {
        let row = self.next_row.get_value();
        self.next_row.set_value(row + 1);
        row
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

    /// Adds an empty card for a permission mode.
    pub fn add_mode(self) -> u32 {
        let row = self.take_row();
        let card = Card::new(&Mode {
            row,
            ..Mode::default()
        });
        self.modes.update(|modes| modes.push(card));
        row
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

    /// What is wrong with a field of a permission mode.
    pub fn mode_problem(self, row: u32, field: &'static str) -> Signal<Option<String>> {
        Signal::derive(move || {
            let at = self
                .modes
                .with(|all| all.iter().position(|card| card.row == row))?;
            self.problem_now(&format!("permission_modes[{at}].{field}"))
        })
    }

    fn problem_now(self, field: &str) -> Option<String> {
        self.problems.with(|all| {
            let found = all.iter().find(|problem| problem.field == field);
            found.map(|problem| problem.message.clone())
        })
    }
}

/// Makes the id from the name, as long as nobody has typed another one.
fn id_follows(name: RwSignal<String>, id: RwSignal<String>, taken: Vec<String>) {
    let made = StoredValue::new(id.get_untracked());
    effect(move || {
        let next = id_from(&name.get(), &taken);
        let now = id.get_untracked();
        if now.is_empty() || now == made.get_value() {
            made.set_value(next.clone());
            id.set(next);
        }
    });
}
