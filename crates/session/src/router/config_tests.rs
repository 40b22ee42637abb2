//! What stands in the configurations, and what does not.

use berth_protocol::{VertexCredentials, VertexSettings};
use expect_test::{Expect, expect};

use super::*;

fn provider(name: &str, protocol: ProviderProtocol, base_url: Option<&str>) -> RouterProvider {
    RouterProvider {
        name: name.to_owned(),
        protocol,
        base_url: base_url.map(str::to_owned),
        models: vec![format!("{name}-1")],
        transformers: Vec::new(),
    }
}

fn settings(kind: RouterKind, providers: Vec<RouterProvider>) -> RouterSettings {
    let default = providers
        .first()
        .map(|first| format!("{},{}", first.name, first.models[0]));
    RouterSettings {
        kind,
        providers,
        routes: Some(RouterRoutes {
            default: default.unwrap_or_default(),
            background: None,
            think: None,
            long_context: None,
            long_context_threshold: None,
            web_search: None,
            image: None,
        }),
        vertex: None,
    }
}

fn config(settings: &RouterSettings, proxy: Option<&str>) -> Value {
    assert_eq!(settings.validate(), []);
    let around = Surroundings {
        ports: Ports {
            router: 4001,
            core: 4002,
            page: 4003,
        },
        has_key: &|index| settings.providers[index].needs_key(),
        vertex_sse: Path::new("/r/vertex-sse.js"),
        proxy,
    };
    of(settings, &around)
}

fn check(config: &Value, expected: &Expect) {
    expected.assert_eq(&serde_json::to_string_pretty(config).unwrap());
}

fn every_protocol() -> Vec<RouterProvider> {
    vec![
        provider(
            "chat",
            ProviderProtocol::OpenaiChat,
            Some("https://chat.example/v1/"),
        ),
        provider(
            "responses",
            ProviderProtocol::OpenaiResponses,
            Some("https://r.example/v1"),
        ),
        provider(
            "claude",
            ProviderProtocol::Anthropic,
            Some("https://a.example"),
        ),
        provider(
            "gemini",
            ProviderProtocol::Gemini,
            Some("https://g.example/v1beta"),
        ),
        provider(
            "local",
            ProviderProtocol::OpenaiChat,
            Some("http://127.0.0.1:11434/v1"),
        ),
    ]
}

#[test]
fn version_1_reads_keys_from_variables_and_asks_whole_addresses() {
    let mut settings = settings(RouterKind::CcrV1, every_protocol());
    settings.providers[0].transformers = vec!["openrouter".to_owned()];
    let routes = settings.routes.as_mut().unwrap();
    routes.background = Some("local,local-1".to_owned());
    routes.long_context = Some("gemini,gemini-1".to_owned());
    routes.long_context_threshold = Some(90_000);
    routes.web_search = Some("claude,claude-1".to_owned());
    check(
        &config(&settings, Some("HTTPS_PROXY")),
        &expect![[r#"
        {
          "HOST": "127.0.0.1",
          "PORT": 4001,
          "APIKEY": "$BERTH_ROUTER_KEY",
          "LOG": false,
          "NON_INTERACTIVE_MODE": true,
          "API_TIMEOUT_MS": 600000,
          "Providers": [
            {
              "name": "chat",
              "api_base_url": "https://chat.example/v1/chat/completions",
              "api_key": "$BERTH_KEY_0",
              "models": [
                "chat-1"
              ],
              "transformer": {
                "use": [
                  "openrouter"
                ]
              }
            },
            {
              "name": "responses",
              "api_base_url": "https://r.example/v1/responses",
              "api_key": "$BERTH_KEY_1",
              "models": [
                "responses-1"
              ],
              "transformer": {
                "use": [
                  "openai-responses"
                ]
              }
            },
            {
              "name": "claude",
              "api_base_url": "https://a.example/v1/messages",
              "api_key": "$BERTH_KEY_2",
              "models": [
                "claude-1"
              ],
              "transformer": {
                "use": [
                  "Anthropic"
                ]
              }
            },
            {
              "name": "gemini",
              "api_base_url": "https://g.example/v1beta/models/",
              "api_key": "$BERTH_KEY_3",
              "models": [
                "gemini-1"
              ],
              "transformer": {
                "use": [
                  "gemini"
                ]
              }
            },
            {
              "name": "local",
              "api_base_url": "http://127.0.0.1:11434/v1/chat/completions",
              "api_key": "none",
              "models": [
                "local-1"
              ]
            }
          ],
          "Router": {
            "default": "chat,chat-1",
            "background": "local,local-1",
            "longContext": "gemini,gemini-1",
            "webSearch": "claude,claude-1",
            "longContextThreshold": 90000
          }
        }"#]],
    );
}

#[test]
fn version_3_sets_keys_at_the_time_of_a_request() {
    let settings = settings(RouterKind::CcrV3, every_protocol());
    check(
        &config(&settings, None),
        &expect![[r#"
        {
          "HOST": "127.0.0.1",
          "PORT": 4001,
          "APIKEY": "$BERTH_ROUTER_KEY",
          "API_TIMEOUT_MS": 600000,
          "gateway": {
            "enabled": true,
            "host": "127.0.0.1",
            "port": 4001,
            "coreHost": "127.0.0.1",
            "corePort": 4002
          },
          "profile": {
            "enabled": false,
            "profiles": [],
            "claudeCode": {
              "enabled": false
            },
            "codex": {
              "enabled": false
            }
          },
          "observability": {
            "requestLogs": false,
            "agentAnalysis": false
          },
          "providerPlugins": [
            {
              "key": "berth-chat",
              "providerName": "chat",
              "auth": {
                "headers": {
                  "authorization": "Bearer {{env.BERTH_KEY_0}}"
                },
                "removeHeaders": [
                  "x-api-key"
                ],
                "strict": true
              }
            },
            {
              "key": "berth-responses",
              "providerName": "responses",
              "auth": {
                "headers": {
                  "authorization": "Bearer {{env.BERTH_KEY_1}}"
                },
                "removeHeaders": [
                  "x-api-key"
                ],
                "strict": true
              }
            },
            {
              "key": "berth-claude",
              "providerName": "claude",
              "auth": {
                "headers": {
                  "x-api-key": "{{env.BERTH_KEY_2}}"
                },
                "removeHeaders": [
                  "authorization"
                ],
                "strict": true
              }
            },
            {
              "key": "berth-gemini",
              "providerName": "gemini",
              "auth": {
                "headers": {
                  "x-goog-api-key": "{{env.BERTH_KEY_3}}"
                },
                "removeHeaders": [
                  "authorization",
                  "x-api-key"
                ],
                "removeQuery": [
                  "key"
                ],
                "strict": true
              }
            }
          ],
          "Providers": [
            {
              "name": "chat",
              "type": "openai_chat_completions",
              "api_base_url": "https://chat.example/v1/chat/completions",
              "api_key": "none",
              "models": [
                "chat-1"
              ]
            },
            {
              "name": "responses",
              "type": "openai_responses",
              "api_base_url": "https://r.example/v1",
              "api_key": "none",
              "models": [
                "responses-1"
              ]
            },
            {
              "name": "claude",
              "type": "anthropic_messages",
              "api_base_url": "https://a.example/v1/messages",
              "api_key": "none",
              "models": [
                "claude-1"
              ]
            },
            {
              "name": "gemini",
              "type": "gemini_generate_content",
              "api_base_url": "https://g.example/v1beta",
              "api_key": "none",
              "models": [
                "gemini-1"
              ]
            },
            {
              "name": "local",
              "type": "openai_chat_completions",
              "api_base_url": "http://127.0.0.1:11434/v1/chat/completions",
              "api_key": "none",
              "models": [
                "local-1"
              ]
            }
          ]
        }"#]],
    );
}

#[test]
fn gemini_on_vertex_has_an_address_of_its_location() {
    let vertex = |location: &str| {
        let gemini = provider("vertex", ProviderProtocol::VertexGemini, None);
        let mut settings = settings(RouterKind::CcrV1, vec![gemini]);
        settings.vertex = Some(VertexSettings {
            project: "p".to_owned(),
            location: location.to_owned(),
            credentials: VertexCredentials::ApplicationDefault,
            model: None,
            small_model: None,
        });
        config(&settings, Some("https_proxy"))
    };
    check(
        &vertex("us-central1"),
        &expect![[r#"
        {
          "HOST": "127.0.0.1",
          "PORT": 4001,
          "APIKEY": "$BERTH_ROUTER_KEY",
          "LOG": false,
          "NON_INTERACTIVE_MODE": true,
          "API_TIMEOUT_MS": 600000,
          "Providers": [
            {
              "name": "vertex",
              "api_base_url": "https://us-central1-aiplatform.googleapis.com",
              "api_key": "none",
              "models": [
                "vertex-1"
              ],
              "transformer": {
                "use": [
                  "vertex-gemini",
                  "vertex-sse"
                ]
              }
            }
          ],
          "Router": {
            "default": "vertex,vertex-1"
          },
          "transformers": [
            {
              "path": "/r/vertex-sse.js",
              "options": {
                "project": "p",
                "location": "us-central1"
              }
            }
          ],
          "PROXY_URL": "$https_proxy"
        }"#]],
    );
    let global = vertex("global");
    assert_eq!(
        global["Providers"][0]["api_base_url"],
        "https://aiplatform.googleapis.com"
    );
}

#[test]
fn whole_addresses_are_taken_too() {
    for (protocol, given, asked) in [
        (
            ProviderProtocol::OpenaiChat,
            "https://e.x/v1/chat/completions",
            "https://e.x/v1/chat/completions",
        ),
        (
            ProviderProtocol::Anthropic,
            "https://e.x/v1",
            "https://e.x/v1/messages",
        ),
        (
            ProviderProtocol::Anthropic,
            "https://e.x/v1/messages/",
            "https://e.x/v1/messages",
        ),
        (
            ProviderProtocol::Anthropic,
            "https://e.x/api/anthropic",
            "https://e.x/api/anthropic/v1/messages",
        ),
        (
            ProviderProtocol::Gemini,
            "https://e.x/v1beta/models/",
            "https://e.x/v1beta/models/",
        ),
    ] {
        let settings = settings(
            RouterKind::CcrV1,
            vec![provider("a", protocol, Some(given))],
        );
        assert_eq!(
            config(&settings, None)["Providers"][0]["api_base_url"],
            asked
        );
    }
}
