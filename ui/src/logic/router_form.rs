//! The form that edits a router: what its fields hold, the settings that they make, and which field
//! a problem belongs to.
//!
//! Fields hold what was typed. A route names its provider by the row of its card, so that a provider
//! can be given another name while the form is open. What the kind does not have is left out of the
//! settings and stays in the form, so that trying another kind loses nothing.

use berth_protocol::{
    FieldProblem, ProviderProtocol, RouterKind, RouterProvider, RouterRoutes, RouterSettings,
    VertexCredentials, VertexSettings,
};

use crate::strings::{fill, form_parts, router_editor};

/// Longest name of a router, in characters; the engine takes no longer one.
const NAME: usize = 100;

/// Longest key of a provider, in bytes; the engine takes no longer one.
const KEY: usize = berth_protocol::LONGEST_SECRET;

/// The routes in the order of [`Form::routes`], as they are called in settings.
pub const ROUTES: [&str; 6] = [
    "default",
    "background",
    "think",
    "long_context",
    "web_search",
    "image",
];

/// The place of the route for long contexts among [`ROUTES`].
pub const LONG_CONTEXT: usize = 3;

/// Routes that CCRouter 3 has: the first ones.
const OF_V3: usize = 2;

/// What the fields hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// Name of the router.
    pub name: String,
    /// What routes.
    pub kind: RouterKind,
    /// The cards of providers, in order.
    pub providers: Vec<Provider>,
    /// For each of [`ROUTES`] the row of a provider and a model, as `row,model`; empty for none. An
    /// empty default stands for the first model of the first provider.
    pub routes: [String; 6],
    /// Tokens from which on a context is long; empty for the router's own limit.
    pub threshold: String,
    /// Access to Vertex AI.
    pub vertex: Vertex,
}

/// A card of a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// Tells it from the other cards, whatever its name is.
    pub row: u32,
    /// Its name in routes.
    pub name: String,
    /// What it speaks.
    pub protocol: ProviderProtocol,
    /// Its address; left out where the protocol has none.
    pub base_url: String,
    /// Its models, with blanks, commas or ends of lines between them.
    pub models: String,
    /// Names of CCRouter 1's transformers, in the same way.
    pub transformers: String,
    /// A new key, if one was typed.
    pub key: String,
}

/// The fields of Vertex AI.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vertex {
    /// The project's id.
    pub project: String,
    /// Where the models run.
    pub location: String,
    /// Whether a service account's file is used, and not the machine's own credentials.
    pub from_file: bool,
    /// The file.
    pub path: String,
    /// The model; empty for Claude Code's own choice.
    pub model: String,
    /// The model for small tasks.
    pub small_model: String,
}

impl Provider {
    /// A card that is to be filled in.
    pub fn new(row: u32) -> Self {
        Self {
            row,
            name: String::new(),
            protocol: ProviderProtocol::OpenaiChat,
            base_url: String::new(),
            models: String::new(),
            transformers: String::new(),
            key: String::new(),
        }
    }

    /// It has no address and no key, but the access to Vertex AI.
    pub fn is_on_vertex(&self) -> bool {
        self.protocol == ProviderProtocol::VertexGemini
    }

    fn settings(&self, kind: RouterKind) -> RouterProvider {
        let transformers = match kind {
            RouterKind::CcrV1 => words(&self.transformers),
            _ => Vec::new(),
        };
        RouterProvider {
            name: self.name.trim().to_owned(),
            protocol: self.protocol,
            base_url: text(&self.base_url).filter(|_| !self.is_on_vertex()),
            models: words(&self.models),
            transformers,
        }
    }

    /// It can do without a key.
    pub fn needs_key(&self) -> bool {
        self.settings(RouterKind::CcrV3).needs_key()
    }
}

impl Form {
    /// A form with nothing in it but the card of a provider.
    pub fn new(kind: RouterKind) -> Self {
        Self {
            name: String::new(),
            kind,
            providers: vec![Provider::new(0)],
            routes: Default::default(),
            threshold: String::new(),
            vertex: Vertex::default(),
        }
    }

    /// A form that holds these settings.
    pub fn of(name: &str, settings: &RouterSettings) -> Self {
        let rows = 0..;
        let providers: Vec<_> = rows
            .zip(&settings.providers)
            .map(|(row, provider)| Provider {
                row,
                name: provider.name.clone(),
                protocol: provider.protocol,
                base_url: provider.base_url.clone().unwrap_or_default(),
                models: provider.models.join("\n"),
                transformers: provider.transformers.join(", "),
                key: String::new(),
            })
            .collect();
        let row_of = |route: &str| {
            let (name, model) = route.split_once(',')?;
            let provider = providers.iter().find(|provider| provider.name == name)?;
            Some(format!("{},{model}", provider.row))
        };
        let mut form = Self {
            name: name.to_owned(),
            ..Self::new(settings.kind)
        };
        if let Some(routes) = &settings.routes {
            for (name, route) in routes.all() {
                if let Some(at) = ROUTES.iter().position(|known| *known == name) {
                    form.routes[at] = row_of(route).unwrap_or_default();
                }
            }
            let threshold = routes.long_context_threshold;
            form.threshold = threshold.map(|n| n.to_string()).unwrap_or_default();
        }
        if let Some(vertex) = &settings.vertex {
            form.vertex = Vertex::of(vertex);
        }
        if !providers.is_empty() {
            form.providers = providers;
        }
        form
    }

    /// The settings that the fields make.
    pub fn settings(&self) -> RouterSettings {
        let with_router = self.kind != RouterKind::ClaudeVertex;
        let providers = self.providers.iter().filter(|_| with_router);
        RouterSettings {
            kind: self.kind,
            providers: providers.map(|p| p.settings(self.kind)).collect(),
            routes: with_router.then(|| self.routes()),
            vertex: self
                .asks_for_vertex()
                .then(|| self.vertex.settings(self.kind)),
        }
    }

    /// Access to Vertex AI is asked for.
    pub fn asks_for_vertex(&self) -> bool {
        match self.kind {
            RouterKind::ClaudeVertex => true,
            RouterKind::CcrV1 => self.providers.iter().any(Provider::is_on_vertex),
            RouterKind::CcrV3 => false,
        }
    }

    /// How many of [`ROUTES`] the kind has.
    pub fn route_count(kind: RouterKind) -> usize {
        match kind {
            RouterKind::CcrV1 => ROUTES.len(),
            RouterKind::CcrV3 => OF_V3,
            RouterKind::ClaudeVertex => 0,
        }
    }

    fn routes(&self) -> RouterRoutes {
        let count = Self::route_count(self.kind);
        let route = |at: usize| {
            let set = Some(&self.routes[at]).filter(|route| at < count && !route.is_empty());
            set.map(|route| self.named(route))
        };
        let long_context = route(LONG_CONTEXT);
        let threshold = text(&self.threshold).filter(|_| long_context.is_some());
        RouterRoutes {
            default: self.named(&self.default_route()),
            background: route(1),
            think: route(2),
            long_context_threshold: threshold.and_then(|text| text.parse().ok()),
            long_context,
            web_search: route(4),
            image: route(5),
        }
    }

    /// The default route: the one that was chosen while it can be, or the only one that there is.
    pub fn default_route(&self) -> String {
        let chosen = &self.routes[0];
        let all = self.targets();
        match all.as_slice() {
            [(only, _)] => only.clone(),
            [(first, _), ..] if chosen.is_empty() => first.clone(),
            _ => chosen.clone(),
        }
    }

    /// Everything that a route can lead to, with how it is shown.
    pub fn targets(&self) -> Vec<(String, String)> {
        let mut all = Vec::new();
        for provider in &self.providers {
            for model in words(&provider.models) {
                let value = format!("{},{model}", provider.row);
                // Twice the same is told at the provider.
                if all.iter().all(|(known, _)| *known != value) {
                    all.push((value, shown(&provider.name, &model)));
                }
            }
        }
        all
    }

    /// How a route is shown that may lead nowhere.
    pub fn shown(&self, route: &str) -> String {
        let (row, model) = route.split_once(',').unwrap_or_default();
        let provider = self.provider(row);
        shown(provider.map_or("", |provider| &provider.name), model)
    }

    fn provider(&self, row: &str) -> Option<&Provider> {
        let mut all = self.providers.iter();
        all.find(|provider| provider.row.to_string() == row)
    }

    /// A route in the words of settings.
    fn named(&self, route: &str) -> String {
        let (row, model) = route.split_once(',').unwrap_or_default();
        let name = self
            .provider(row)
            .map_or("", |provider| provider.name.trim());
        format!("{name},{model}")
    }

    /// What is wrong, by the field that shows it; nothing when the form can be saved.
    pub fn problems(&self) -> Vec<FieldProblem> {
        let mut found = Vec::new();
        let mut add = |field: String, message: &str| {
            found.push(FieldProblem {
                field,
                message: message.to_owned(),
            });
        };
        let name = self.name.trim();
        if name.is_empty() || name.chars().count() > NAME {
            add("name".to_owned(), router_editor().router_name_wrong);
        }
        if self.kind != RouterKind::ClaudeVertex {
            for (index, provider) in self.providers.iter().enumerate() {
                if !is_key(&provider.key) {
                    add(
                        format!("providers[{index}].key"),
                        router_editor().provider_key_wrong,
                    );
                }
            }
        }
        let long =
            Self::route_count(self.kind) > LONG_CONTEXT && !self.routes[LONG_CONTEXT].is_empty();
        let threshold = text(&self.threshold).filter(|_| long);
        if threshold.is_some_and(|text| text.parse::<u32>().is_err()) {
            add(THRESHOLD.to_owned(), router_editor().route_threshold_wrong);
        }
        let settings = self.settings();
        found.extend(self.placed(settings.validate()));
        found
    }

    /// Problems with the settings, by the fields of the form.
    pub fn placed(&self, problems: Vec<FieldProblem>) -> Vec<FieldProblem> {
        let settings = self.settings();
        problems
            .into_iter()
            .map(|FieldProblem { field, message }| {
                let (place, item) = place(&field);
                let message = match item {
                    _ if leads_nowhere(&settings, &place) => router_editor().route_wrong.to_owned(),
                    Some(item) => match item_of(&settings, &place, item) {
                        Some(name) => fill(form_parts().problem_of, &[name, &message]),
                        None => message,
                    },
                    None => message,
                };
                FieldProblem {
                    field: place,
                    message,
                }
            })
            .collect()
    }
}

impl Vertex {
    fn of(settings: &VertexSettings) -> Self {
        let path = match &settings.credentials {
            VertexCredentials::ApplicationDefault => None,
            VertexCredentials::ServiceAccountFile { path } => Some(path.clone()),
        };
        Self {
            project: settings.project.clone(),
            location: settings.location.clone(),
            from_file: path.is_some(),
            path: path.unwrap_or_default(),
            model: settings.model.clone().unwrap_or_default(),
            small_model: settings.small_model.clone().unwrap_or_default(),
        }
    }

    fn settings(&self, kind: RouterKind) -> VertexSettings {
        // With a router the routes name the models.
        let model = |model: &str| text(model).filter(|_| kind == RouterKind::ClaudeVertex);
        VertexSettings {
            project: self.project.trim().to_owned(),
            location: self.location.trim().to_owned(),
            credentials: if self.from_file {
                VertexCredentials::ServiceAccountFile {
                    path: self.path.trim().to_owned(),
                }
            } else {
                VertexCredentials::ApplicationDefault
            },
            model: model(&self.model),
            small_model: model(&self.small_model),
        }
    }
}

const THRESHOLD: &str = "routes.long_context_threshold";

/// The field of the form that shows a field of settings, and the place in a list of names that stands
/// in one field.
fn place(field: &str) -> (String, Option<usize>) {
    match field {
        "routes" => return ("routes.default".to_owned(), None),
        "vertex" => return ("vertex.project".to_owned(), None),
        _ => {}
    }
    for list in [".models[", ".transformers["] {
        if let Some((before, at)) = field.split_once(list) {
            let list = list.trim_end_matches('[');
            return (
                format!("{before}{list}"),
                at.trim_end_matches(']').parse().ok(),
            );
        }
    }
    (field.to_owned(), None)
}

/// The name at this place in the list of a field.
fn item_of<'a>(settings: &'a RouterSettings, field: &str, item: usize) -> Option<&'a str> {
    let (index, list) = field.strip_prefix("providers[")?.split_once(']')?;
    let provider = settings.providers.get(index.parse::<usize>().ok()?)?;
    let names = match list {
        ".models" => &provider.models,
        _ => &provider.transformers,
    };
    names.get(item).map(String::as_str)
}

/// The field is a route whose model is none of those above.
fn leads_nowhere(settings: &RouterSettings, field: &str) -> bool {
    let routes = settings.routes.as_ref();
    let name = field.strip_prefix("routes.").unwrap_or_default();
    let mut all = routes.into_iter().flat_map(RouterRoutes::all);
    all.any(|(known, route)| known == name && settings.target(route).is_none())
}

fn shown(provider: &str, model: &str) -> String {
    let provider = match provider.trim() {
        "" => router_editor().provider_unnamed,
        name => name,
    };
    format!("{provider} · {model}")
}

/// Names with anything between them that is in no name.
pub fn words(text: &str) -> Vec<String> {
    let names = text.split(|c: char| c == ',' || c.is_whitespace());
    names
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

fn text(text: &str) -> Option<String> {
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// It is empty or can be a key. Blanks around it come with copying and do not count.
fn is_key(key: &str) -> bool {
    let key = key.trim();
    key.len() <= KEY && key.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
#[path = "router_form_tests.rs"]
mod tests;
