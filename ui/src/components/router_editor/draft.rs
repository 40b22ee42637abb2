//! What is typed into the editor, a signal for each field, so that typing into one redraws no other.

use crate::view::prelude::*;
use berth_protocol::{FieldProblem, ProviderProtocol, RouterKind};

use crate::components::stored_secret::Kept;
use crate::logic::router_form::{Form, Provider, Vertex};
use crate::state::memo;
use crate::wire::PROTOCOLS;

/// The card of a provider.
#[derive(Clone, Copy)]
pub struct Card {
    pub row: u32,
    pub name: RwSignal<String>,
    /// The word that stands for it on the wire.
    pub protocol: RwSignal<String>,
    pub base_url: RwSignal<String>,
    pub models: RwSignal<String>,
    pub transformers: RwSignal<String>,
    pub key: RwSignal<String>,
    pub stored: RwSignal<Kept>,
}

/// All fields.
#[derive(Clone, Copy)]
pub struct Draft {
    pub name: RwSignal<String>,
    pub kind: RwSignal<RouterKind>,
    pub cards: RwSignal<Vec<Card>>,
    pub routes: [RwSignal<String>; 6],
    pub threshold: RwSignal<String>,
    pub project: RwSignal<String>,
    pub location: RwSignal<String>,
    pub from_file: RwSignal<bool>,
    pub path: RwSignal<String>,
    pub model: RwSignal<String>,
    pub small_model: RwSignal<String>,
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

impl Card {
    fn new(from: &Provider) -> Self {
        let word = PROTOCOLS.iter().find(|(known, _)| *known == from.protocol);
        let text = |text: &str| RwSignal::new(text.to_owned());
        Self {
            row: from.row,
            name: text(&from.name),
            protocol: text(word.map_or("", |(_, word)| word)),
            base_url: text(&from.base_url),
            models: text(&from.models),
            transformers: text(&from.transformers),
            key: text(&from.key),
            stored: RwSignal::new(Kept::Stays),
        }
    }

    /// What it speaks.
    pub fn speaks(self) -> ProviderProtocol {
        let word = self.protocol.get();
        let known = PROTOCOLS.iter().find(|(_, known)| *known == word);
        known.map_or(ProviderProtocol::OpenaiChat, |(protocol, _)| *protocol)
    }

    /// What its fields hold.
    pub fn provider(self) -> Provider {
        Provider {
            row: self.row,
            name: self.name.get(),
            protocol: self.speaks(),
            base_url: self.base_url.get(),
            models: self.models.get(),
            transformers: self.transformers.get(),
            key: self.key.get(),
        }
    }
}

impl Draft {
    pub fn new(from: &Form) -> Self {
        let text = |text: &str| RwSignal::new(text.to_owned());
        let name = text(&from.name);
        let kind = RwSignal::new(from.kind);
        let cards = RwSignal::new(from.providers.iter().map(Card::new).collect::<Vec<_>>());
        let routes = std::array::from_fn(|at| text(&from.routes[at]));
        let threshold = text(&from.threshold);
        let project = text(&from.vertex.project);
        let location = text(&from.vertex.location);
        let from_file = RwSignal::new(from.vertex.from_file);
        let path = text(&from.vertex.path);
        let model = text(&from.vertex.model);
        let small_model = text(&from.vertex.small_model);
        let form = memo(move || Form {
            name: name.get(),
            kind: kind.get(),
            providers: cards.get().into_iter().map(Card::provider).collect(),
            routes: routes.map(RwSignal::get),
            threshold: threshold.get(),
            vertex: Vertex {
                project: project.get(),
                location: location.get(),
                from_file: from_file.get(),
                path: path.get(),
                model: model.get(),
                small_model: small_model.get(),
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
        let rows = from.providers.iter().map(|provider| provider.row);
        Self {
            name,
            kind,
            cards,
            routes,
            threshold,
            project,
            location,
            from_file,
            path,
            model,
            small_model,
            form,
            problems,
            tried,
            refused,
            next_row: StoredValue::new(rows.max().unwrap_or(0) + 1),
        }
    }

    /// Puts other values into all fields.
    pub fn fill(self, from: &Form) {
        self.tried.set(false);
        self.name.set(from.name.clone());
        self.kind.set(from.kind);
        for (route, value) in self.routes.into_iter().zip(&from.routes) {
            route.set(value.clone());
        }
        self.threshold.set(from.threshold.clone());
        self.project.set(from.vertex.project.clone());
        self.location.set(from.vertex.location.clone());
        self.from_file.set(from.vertex.from_file);
        self.path.set(from.vertex.path.clone());
        self.model.set(from.vertex.model.clone());
        self.small_model.set(from.vertex.small_model.clone());
        // Rows tell cards apart, also from those before.
        let rows = self.take_rows(from.providers.len());
        let cards = from.providers.iter().zip(rows).map(|(provider, row)| Card {
            row,
            ..Card::new(provider)
        });
        let cards: Vec<_> = cards.collect();
        for route in self.routes {
            route.update(|route| {
                for (provider, card) in from.providers.iter().zip(&cards) {
                    let before = format!("{},", provider.row);
                    if let Some(model) = route.strip_prefix(&before) {
                        *route = format!("{},{model}", card.row);
                        break;
                    }
                }
            });
        }
        self.cards.set(cards);
    }

    /// Adds an empty card.
    pub fn add_card(self) -> u32 {
        let row = self.take_rows(1).start;
        let card = Card::new(&Provider::new(row));
        self.cards.update(|cards| cards.push(card));
        row
    }

    fn take_rows(self, count: usize) -> std::ops::Range<u32> {
        let from = self.next_row.get_value();
        let to = from + u32::try_from(count).unwrap_or(u32::MAX);
        self.next_row.set_value(to);
        from..to
    }

    /// What is wrong with a field.
    pub fn problem(self, field: &'static str) -> Signal<Option<String>> {
        Signal::derive(move || self.problem_now(field))
    }

    /// What is wrong with a field of a card.
    pub fn card_problem(self, row: u32, field: &'static str) -> Signal<Option<String>> {
        Signal::derive(move || {
            let at = self
                .cards
                .with(|cards| cards.iter().position(|card| card.row == row))?;
            self.problem_now(&format!("providers[{at}].{field}"))
        })
    }

    fn problem_now(self, field: &str) -> Option<String> {
        self.problems.with(|all| {
            let found = all.iter().find(|problem| problem.field == field);
            found.map(|problem| problem.message.clone())
        })
    }
}
