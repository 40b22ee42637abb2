//! Which settings are refused, and how that is said.

use super::*;

fn provider(name: &str, base_url: &str) -> RouterProvider {
    RouterProvider {
        name: name.to_owned(),
        protocol: ProviderProtocol::OpenaiChat,
        base_url: Some(base_url.to_owned()),
        models: vec!["m1".to_owned(), "vendor/m-2:free".to_owned()],
        transformers: Vec::new(),
    }
}

fn settings(kind: RouterKind) -> RouterSettings {
    RouterSettings {
        kind,
        providers: vec![provider("one", "https://api.example.com/v1")],
        routes: Some(RouterRoutes {
            default: "one,m1".to_owned(),
            background: Some("one,vendor/m-2:free".to_owned()),
            think: None,
            long_context: None,
            long_context_threshold: None,
            web_search: None,
            image: None,
        }),
        vertex: None,
    }
}

fn vertex() -> VertexSettings {
    VertexSettings {
        project: "my-project".to_owned(),
        location: "us-east5".to_owned(),
        credentials: VertexCredentials::ApplicationDefault,
        model: None,
        small_model: None,
    }
}

/// The fields that are wrong once a change was made.
fn wrong(mut settings: RouterSettings, change: impl FnOnce(&mut RouterSettings)) -> Vec<String> {
    change(&mut settings);
    let problems = settings.validate();
    for problem in &problems {
        assert!(
            problem.message.len() > 15 && problem.message.ends_with('.'),
            "{problem}"
        );
    }
    problems.into_iter().map(|problem| problem.field).collect()
}

#[test]
fn settings_that_can_be_used_have_no_problems() {
    for kind in [RouterKind::CcrV1, RouterKind::CcrV3] {
        assert_eq!(settings(kind).validate(), []);
    }
    let vertex = RouterSettings {
        kind: RouterKind::ClaudeVertex,
        providers: Vec::new(),
        routes: None,
        vertex: Some(vertex()),
    };
    assert_eq!(vertex.validate(), []);
}

#[test]
fn a_provider_is_named_once_and_plainly() {
    for name in ["", "a,b", "a b", "ä", "-a", "a/b", "a\"b", "a\n"] {
        let found = wrong(settings(RouterKind::CcrV1), |settings| {
            settings
                .providers
                .push(provider(name, "https://example.com"));
        });
        assert_eq!(found, ["providers[1].name"], "{name:?}");
    }
    let twice = wrong(settings(RouterKind::CcrV1), |settings| {
        settings
            .providers
            .push(provider("ONE", "https://example.com"));
    });
    assert_eq!(twice, ["providers[1].name"]);
}

#[test]
fn keys_travel_encrypted_or_not_at_all() {
    let good = [
        "https://example.com",
        "https://example.com:8443/a/b",
        "https://[2001:db8::1]/v1",
        "http://127.0.0.1:11434/v1",
        "http://localhost:11434",
        "http://[::1]:80/v1",
    ];
    for url in good {
        assert_eq!(check_url(url), Ok(()), "{url}");
    }
    let bad = [
        "",
        "example.com",
        "ftp://example.com",
        "http://example.com",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://localhost@example.com",
        "https://user:pass@example.com",
        "https://",
        "https:///v1",
        "https://:80",
        "https://example.com:0",
        "https://example.com:99999",
        "https://example.com:80x",
        "https://[::1",
        "https://exa mple.com",
        "https://example.com/?key=1",
        "https://example.com/$HOME",
        "https://exam\u{200b}ple.com",
    ];
    for url in bad {
        let found = wrong(settings(RouterKind::CcrV1), |settings| {
            settings.providers[0].base_url = Some(url.to_owned());
        });
        assert_eq!(found, ["providers[0].base_url"], "{url:?}");
    }
}

#[test]
fn only_a_provider_elsewhere_needs_a_key() {
    assert!(provider("a", "https://example.com").needs_key());
    assert!(!provider("a", "http://127.0.0.1:1/v1").needs_key());
    assert!(!provider("a", "https://localhost/v1").needs_key());
    assert!(provider("a", "https://localhost.example.com").needs_key());
    let mut vertex = provider("a", "https://example.com");
    vertex.protocol = ProviderProtocol::VertexGemini;
    assert!(!vertex.needs_key());
}

#[test]
fn a_route_names_a_known_provider_and_model() {
    for route in ["", "one", "one,", "one,m3", "two,m1", "one, m1", "one/m1"] {
        let found = wrong(settings(RouterKind::CcrV1), |settings| {
            settings.routes.as_mut().unwrap().think = Some(route.to_owned());
        });
        assert_eq!(found, ["routes.think"], "{route:?}");
    }
    let none = wrong(settings(RouterKind::CcrV1), |settings| {
        settings.routes = None
    });
    assert_eq!(none, ["routes"]);
}

#[test]
fn models_are_named_plainly() {
    for model in ["", "a,b", "a\"", "a b", "$HOME", "{{env.X}}"] {
        let found = wrong(settings(RouterKind::CcrV1), |settings| {
            settings.providers[0].models.push(model.to_owned());
        });
        assert_eq!(found, ["providers[0].models[2]"], "{model:?}");
    }
    let none = wrong(settings(RouterKind::CcrV1), |settings| {
        settings.providers[0].models.clear();
    });
    assert_eq!(
        none,
        ["providers[0].models", "routes.default", "routes.background"]
    );
}

#[test]
fn version_3_has_neither_vertex_nor_the_routes_and_transformers_of_version_1() {
    let found = wrong(settings(RouterKind::CcrV3), |settings| {
        settings.vertex = Some(vertex());
        settings.providers[0].transformers = vec!["openrouter".to_owned()];
        settings.routes.as_mut().unwrap().image = Some("one,m1".to_owned());
    });
    assert_eq!(
        found,
        ["providers[0].transformers", "routes.image", "vertex"]
    );
    let gemini = wrong(settings(RouterKind::CcrV3), |settings| {
        settings.providers[0].protocol = ProviderProtocol::VertexGemini;
    });
    assert_eq!(gemini, ["providers[0].protocol"]);
}

#[test]
fn vertex_needs_a_project_a_location_and_credentials() {
    let on_vertex = || {
        let mut settings = settings(RouterKind::CcrV1);
        settings.providers[0].protocol = ProviderProtocol::VertexGemini;
        settings.providers[0].base_url = None;
        settings
    };
    assert_eq!(wrong(on_vertex(), |_| {}), ["vertex"]);
    let empty = wrong(on_vertex(), |settings| {
        settings.vertex = Some(VertexSettings {
            project: String::new(),
            location: "US East".to_owned(),
            credentials: VertexCredentials::ServiceAccountFile {
                path: "key.json".to_owned(),
            },
            ..vertex()
        });
    });
    assert_eq!(
        empty,
        [
            "vertex.project",
            "vertex.location",
            "vertex.credentials.path"
        ]
    );
    let unused = wrong(settings(RouterKind::CcrV1), |settings| {
        settings.vertex = Some(vertex());
    });
    assert_eq!(unused, ["vertex"]);
}

#[test]
fn settings_are_read_strictly() {
    let unknown = r#"{"kind":"ccr_v1","api_key":"sk-1"}"#;
    assert!(serde_json::from_str::<RouterSettings>(unknown).is_err());
    let known = r#"{"kind":"claude_vertex","vertex":{"project":"p","location":"global",
        "credentials":{"kind":"service_account_file","path":"/k.json"}}}"#;
    let read: RouterSettings = serde_json::from_str(known).unwrap();
    assert_eq!(read.validate(), []);
}
