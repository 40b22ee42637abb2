//! What a new router can be started from: the providers that people have, with their addresses and
//! a few of their models.

use berth_protocol::{ProviderProtocol, RouterKind};

use super::router_form::{Form, Provider, Vertex};

/// What routes the requests of a preset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Through {
    /// The CCRouter that is installed.
    AnyRouter,
    /// This kind only.
    Only(RouterKind),
}

/// Settings to start from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    /// Tells it from the others.
    pub id: &'static str,
    /// Its name, which is also what the router is called at first.
    pub name: &'static str,
    through: Through,
    /// Absent where there is no router.
    provider: Option<Offer>,
    /// Where Vertex AI's models run; empty for what is elsewhere.
    location: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Offer {
    name: &'static str,
    protocol: ProviderProtocol,
    base_url: &'static str,
    /// The first is the default, the second does small tasks.
    models: &'static [&'static str],
    /// For CCRouter 1.
    transformers: &'static str,
}

const fn offer(
    name: &'static str,
    protocol: ProviderProtocol,
    base_url: &'static str,
    models: &'static [&'static str],
) -> Offer {
    Offer {
        name,
        protocol,
        base_url,
        models,
        transformers: "",
    }
}

const fn preset(id: &'static str, name: &'static str, provider: Offer) -> Preset {
    Preset {
        id,
        name,
        through: Through::AnyRouter,
        provider: Some(provider),
        location: "",
    }
}

/// All presets, in the order in which they are offered.
pub const PRESETS: [Preset; 8] = [
    preset(
        "openai",
        "OpenAI",
        offer(
            "openai",
            ProviderProtocol::OpenaiChat,
            "https://api.openai.com/v1",
            &["gpt-5", "gpt-5-mini"],
        ),
    ),
    preset(
        "openrouter",
        "OpenRouter",
        Offer {
            transformers: "openrouter",
            ..offer(
                "openrouter",
                ProviderProtocol::OpenaiChat,
                "https://openrouter.ai/api/v1",
                &["anthropic/claude-sonnet-4.5", "openai/gpt-5-mini"],
            )
        },
    ),
    preset(
        "anthropic",
        "Anthropic",
        offer(
            "anthropic",
            ProviderProtocol::Anthropic,
            "https://api.anthropic.com",
            &["claude-sonnet-4-5", "claude-haiku-4-5"],
        ),
    ),
    preset(
        "deepseek",
        "DeepSeek",
        Offer {
            transformers: "deepseek",
            ..offer(
                "deepseek",
                ProviderProtocol::OpenaiChat,
                "https://api.deepseek.com/v1",
                &["deepseek-chat"],
            )
        },
    ),
    preset(
        "gemini",
        "Gemini API",
        offer(
            "gemini",
            ProviderProtocol::Gemini,
            "https://generativelanguage.googleapis.com/v1beta",
            &["gemini-2.5-pro", "gemini-2.5-flash"],
        ),
    ),
    preset(
        "ollama",
        "Ollama on this machine",
        offer(
            "ollama",
            ProviderProtocol::OpenaiChat,
            "http://127.0.0.1:11434/v1",
            &["qwen3-coder"],
        ),
    ),
    Preset {
        through: Through::Only(RouterKind::CcrV1),
        location: "us-central1",
        ..preset(
            "vertex-gemini",
            "Gemini on Vertex AI",
            offer(
                "vertex",
                ProviderProtocol::VertexGemini,
                "",
                &["gemini-2.5-pro", "gemini-2.5-flash"],
            ),
        )
    },
    Preset {
        id: "claude-vertex",
        name: "Claude on Vertex AI",
        through: Through::Only(RouterKind::ClaudeVertex),
        provider: None,
        location: "us-east5",
    },
];

impl Preset {
    /// The form that it fills in, for the CCRouter that is installed.
    pub fn form(&self, installed: Option<RouterKind>) -> Form {
        let kind = match self.through {
            Through::Only(kind) => kind,
            Through::AnyRouter => installed.unwrap_or(RouterKind::CcrV3),
        };
        let mut form = Form {
            name: self.name.to_owned(),
            vertex: Vertex {
                location: self.location.to_owned(),
                ..Vertex::default()
            },
            ..Form::new(kind)
        };
        if let Some(offer) = self.provider {
            form.providers = vec![Provider {
                name: offer.name.to_owned(),
                protocol: offer.protocol,
                base_url: offer.base_url.to_owned(),
                models: offer.models.join("\n"),
                transformers: offer.transformers.to_owned(),
                ..Provider::new(0)
            }];
            if let Some(small) = offer.models.get(1) {
                form.routes[1] = format!("0,{small}");
            }
        }
        form
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_can_be_saved_once_what_is_the_users_own_is_filled_in() {
        for installed in [None, Some(RouterKind::CcrV1), Some(RouterKind::CcrV3)] {
            for preset in PRESETS {
                let mut form = preset.form(installed);
                let missing: Vec<_> = form.problems().into_iter().map(|p| p.field).collect();
                if form.asks_for_vertex() {
                    assert_eq!(missing, ["vertex.project"], "{}", preset.id);
                    form.vertex.project = "my-project".to_owned();
                }
                assert_eq!(form.problems(), [], "{}", preset.id);
                assert_eq!(form.settings().validate(), [], "{}", preset.id);
            }
        }
    }

    #[test]
    fn a_preset_goes_through_the_router_that_is_installed_where_any_will_do() {
        let kind = |id: &str, installed| {
            let preset = PRESETS.iter().find(|preset| preset.id == id).unwrap();
            preset.form(installed).kind
        };
        let (first, third) = (RouterKind::CcrV1, RouterKind::CcrV3);
        assert_eq!(kind("openai", Some(first)), first);
        assert_eq!(kind("openai", Some(third)), third);
        assert_eq!(kind("openai", None), third);
        assert_eq!(kind("vertex-gemini", Some(third)), first);
        assert_eq!(kind("claude-vertex", Some(first)), RouterKind::ClaudeVertex);
    }

    #[test]
    fn presets_are_told_apart() {
        for (at, preset) in PRESETS.iter().enumerate() {
            let others = &PRESETS[at + 1..];
            assert!(others.iter().all(|other| other.id != preset.id));
            assert!(others.iter().all(|other| other.name != preset.name));
        }
    }

    #[test]
    fn only_what_is_on_this_machine_or_on_vertex_needs_no_key() {
        let free: Vec<_> = PRESETS
            .iter()
            .filter(|preset| {
                let form = preset.form(None);
                !form.settings().providers.iter().any(|p| p.needs_key())
            })
            .map(|preset| preset.id)
            .collect();
        assert_eq!(free, ["ollama", "vertex-gemini", "claude-vertex"]);
    }
}
