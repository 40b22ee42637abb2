//! What is wrong with router settings, field by field, before anything is written or started.

use std::{collections::BTreeSet, net::IpAddr};

use super::{
    ProviderProtocol, RouterKind, RouterProvider, RouterRoutes, RouterSettings, VertexCredentials,
    VertexSettings,
};
use crate::FieldProblem;

/// Longest name of a provider or model, in bytes.
const LONGEST_NAME: usize = 128;

/// Longest address or path, in bytes.
const LONGEST_ADDRESS: usize = 2048;

/// Most providers, and most models of each.
const MOST: usize = 256;

impl RouterSettings {
    /// Everything that is wrong with the settings; nothing when they can be used.
    pub fn validate(&self) -> Vec<FieldProblem> {
        let mut found = Found::default();
        match self.kind {
            RouterKind::ClaudeVertex => self.without_router(&mut found),
            RouterKind::CcrV1 | RouterKind::CcrV3 => self.with_router(&mut found),
        }
        if let Some(vertex) = &self.vertex {
            vertex.check(self.kind, &mut found);
        }
        found.0
    }

    fn without_router(&self, found: &mut Found) {
        if !self.providers.is_empty() {
            found.add("providers", "Claude Code's Vertex mode has no providers.");
        }
        if self.routes.is_some() {
            found.add("routes", "Claude Code's Vertex mode has no routes.");
        }
        if self.vertex.is_none() {
            found.add(
                "vertex",
                "Give the project, the location and the credentials.",
            );
        }
    }

    fn with_router(&self, found: &mut Found) {
        if self.providers.is_empty() {
            found.add("providers", "Add at least one provider.");
        }
        if self.providers.len() > MOST {
            found.add("providers", "There are too many providers.");
            return;
        }
        let mut names = BTreeSet::new();
        for (index, provider) in self.providers.iter().enumerate() {
            let at = format!("providers[{index}]");
            provider.check(self.kind, &at, found);
            // Version 1 looks for names without regard to case.
            if !names.insert(provider.name.to_lowercase()) {
                found.add(
                    format!("{at}.name"),
                    "Another provider has this name; names are compared without regard to case.",
                );
            }
        }
        match &self.routes {
            Some(routes) => routes.check(self, found),
            None => found.add("routes", "Say at least which model is the default."),
        }
        let uses_vertex = self.uses_vertex();
        match (&self.vertex, self.kind) {
            (Some(_), RouterKind::CcrV3) => {
                found.add(
                    "vertex",
                    "CCRouter 3 cannot reach Vertex AI; use version 1.",
                );
            }
            (None, RouterKind::CcrV1) if uses_vertex => found.add(
                "vertex",
                "A provider is on Vertex AI: give the project, the location and the credentials.",
            ),
            (Some(_), _) if !uses_vertex => {
                found.add("vertex", "No provider is on Vertex AI; leave this out.");
            }
            _ => {}
        }
    }

    /// Some provider is on Vertex AI.
    pub fn uses_vertex(&self) -> bool {
        let mut protocols = self.providers.iter().map(|provider| provider.protocol);
        protocols.any(|protocol| protocol == ProviderProtocol::VertexGemini)
    }

    /// The provider and the model that a route names.
    pub fn target<'a>(&'a self, route: &'a str) -> Option<(&'a RouterProvider, &'a str)> {
        let (name, model) = route.split_once(',')?;
        let provider = self
            .providers
            .iter()
            .find(|provider| provider.name == name)?;
        let known = provider.models.iter().any(|known| known == model);
        known.then_some((provider, model))
    }
}

impl RouterProvider {
    fn check(&self, kind: RouterKind, at: &str, found: &mut Found) {
        if !is_name(&self.name, "-_") {
            found.add(
                format!("{at}.name"),
                "Give it a name of letters, digits, - and _ that begins with a letter or digit.",
            );
        }
        self.check_address(&format!("{at}.base_url"), found);
        if self.models.is_empty() {
            found.add(format!("{at}.models"), "Name at least one model.");
        }
        if self.models.len() > MOST {
            found.add(format!("{at}.models"), "There are too many models.");
            return;
        }
        let mut models = BTreeSet::new();
        for (index, model) in self.models.iter().enumerate() {
            let at = format!("{at}.models[{index}]");
            if !is_model(model) {
                found.add(
                    &at,
                    "A model's name is of letters, digits and . _ - : / @ + and begins with a letter or digit.",
                );
            }
            if !models.insert(model) {
                found.add(&at, "This model is named twice.");
            }
        }
        match (kind, self.protocol) {
            (RouterKind::CcrV3, ProviderProtocol::VertexGemini) => found.add(
                format!("{at}.protocol"),
                "CCRouter 3 cannot reach Vertex AI; use version 1.",
            ),
            (RouterKind::CcrV3, _) if !self.transformers.is_empty() => found.add(
                format!("{at}.transformers"),
                "Only CCRouter 1 has transformers; leave this out.",
            ),
            _ => {}
        }
        for (index, name) in self.transformers.iter().enumerate() {
            if !is_name(name, "-_") {
                found.add(
                    format!("{at}.transformers[{index}]"),
                    "A transformer's name is of letters, digits, - and _.",
                );
            }
        }
    }

    fn check_address(&self, at: &str, found: &mut Found) {
        match &self.base_url {
            Some(url) => {
                if let Err(message) = check_url(url) {
                    found.add(at, message);
                }
            }
            None if self.protocol == ProviderProtocol::VertexGemini => {}
            None => found.add(at, "Give the provider's address."),
        }
    }
}

impl RouterRoutes {
    /// The routes that are set, by their fields.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let optional = [
            ("background", &self.background),
            ("think", &self.think),
            ("long_context", &self.long_context),
            ("web_search", &self.web_search),
            ("image", &self.image),
        ];
        let optional = optional
            .into_iter()
            .filter_map(|(name, route)| Some((name, route.as_deref()?)));
        std::iter::once(("default", self.default.as_str())).chain(optional)
    }

    fn check(&self, settings: &RouterSettings, found: &mut Found) {
        for (name, route) in self.all() {
            let at = format!("routes.{name}");
            if settings.target(route).is_none() {
                found.add(
                    &at,
                    "Write it as provider,model and name a provider and one of its models.",
                );
            }
            if settings.kind == RouterKind::CcrV3 && !matches!(name, "default" | "background") {
                found.add(
                    &at,
                    "CCRouter 3 has no such route; leave this out or use version 1.",
                );
            }
        }
        if self.long_context_threshold == Some(0) {
            found.add(
                "routes.long_context_threshold",
                "Give a number of tokens above 0.",
            );
        }
        if self.long_context_threshold.is_some() && self.long_context.is_none() {
            found.add(
                "routes.long_context_threshold",
                "It says nothing without a route for long contexts.",
            );
        }
    }
}

impl VertexSettings {
    fn check(&self, kind: RouterKind, found: &mut Found) {
        // Older projects belong to a domain: example.com:project.
        if !is_name(&self.project, "-.:") {
            found.add("vertex.project", "Give the id of the project.");
        }
        let lower = self.location.chars().all(|c| !c.is_ascii_uppercase());
        if !lower || !is_name(&self.location, "-") {
            found.add(
                "vertex.location",
                "Give a location such as us-central1 or global.",
            );
        }
        if let VertexCredentials::ServiceAccountFile { path } = &self.credentials
            && !is_absolute(path)
        {
            found.add(
                "vertex.credentials.path",
                "Give the whole path of the file.",
            );
        }
        let models = [("model", &self.model), ("small_model", &self.small_model)];
        for (name, model) in models {
            let Some(model) = model else { continue };
            let at = format!("vertex.{name}");
            if kind != RouterKind::ClaudeVertex {
                found.add(at, "The routes name the models; leave this out.");
            } else if !is_model(model) {
                found.add(at, "This is no name of a model.");
            }
        }
    }
}

#[derive(Default)]
struct Found(Vec<FieldProblem>);

impl Found {
    fn add(&mut self, field: impl Into<String>, message: &str) {
        self.0.push(FieldProblem {
            field: field.into(),
            message: message.to_owned(),
        });
    }
}

fn is_name(name: &str, also: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || also.contains(c);
    name.len() <= LONGEST_NAME
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(good)
}

/// Names of models end up in arguments, in JSON and TOML, and between the commas of a route.
fn is_model(name: &str) -> bool {
    is_name(name, "._-:/@+")
}

/// Of either kind of system: settings may come from another machine.
fn is_absolute(path: &str) -> bool {
    let drive =
        matches!(path.as_bytes(), [letter, b':', b'\\' | b'/', ..] if letter.is_ascii_alphabetic());
    path.len() <= LONGEST_ADDRESS
        && !path.contains(|c: char| c.is_control())
        && (path.starts_with('/') || path.starts_with("\\\\") || drive)
}

/// A small check instead of the crate `url`, whose tables of international names would be shipped
/// with the UI: scheme, host and port are looked at, and everything else must be plain.
fn check_url(url: &str) -> Result<(), &'static str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/@[]+%".contains(c);
    if url.len() > LONGEST_ADDRESS || !url.chars().all(plain) {
        return Err("Give an address without blanks, queries and other special characters.");
    }
    let (secure, rest) = match url.split_once("://") {
        Some(("https", rest)) => (true, rest),
        Some(("http", rest)) => (false, rest),
        _ => return Err("Give an address that begins with https://."),
    };
    let authority = rest.split('/').next().unwrap_or_default();
    if authority.contains('@') {
        return Err("Leave the name and password out of the address; keys are given separately.");
    }
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => rest.split_once(']').ok_or("The address names no host.")?,
        None => authority
            .find(':')
            .map_or((authority, ""), |at| authority.split_at(at)),
    };
    let port_is_good = match port.strip_prefix(':') {
        Some(digits) => digits.parse::<u16>().is_ok_and(|port| port > 0),
        None => port.is_empty(),
    };
    if !port_is_good {
        return Err("The port is no number from 1 to 65535.");
    }
    if host.is_empty() || (host.parse::<IpAddr>().is_err() && !is_name(host, "-.")) {
        return Err("The address names no host.");
    }
    if secure || is_local_host(host) {
        Ok(())
    } else {
        Err(
            "Use https: plain http would show the key to the network. It is taken only on this machine.",
        )
    }
}

/// Whether an address is on this machine, where providers may need no key.
pub(super) fn is_loopback(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split('/').next().unwrap_or_default();
    is_local_host(match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    })
}

fn is_local_host(host: &str) -> bool {
    let is_loopback = |address: IpAddr| address.is_loopback();
    host == "localhost" || host.parse().is_ok_and(is_loopback)
}

#[cfg(test)]
#[path = "validate_tests.rs"]
mod tests;
