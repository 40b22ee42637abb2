//! A form keeps what settings say, and a problem is shown where it can be mended.

use super::*;

fn filled() -> Form {
    let mut form = Form::new(RouterKind::CcrV1);
    form.name = "Work".to_owned();
    form.providers = vec![
        Provider {
            name: "one".to_owned(),
            base_url: "https://api.example.com/v1".to_owned(),
            models: "m1\nm2".to_owned(),
            ..Provider::new(4)
        },
        Provider {
            name: "two".to_owned(),
            base_url: "https://api.example.org/v1".to_owned(),
            models: "m1".to_owned(),
            transformers: "openrouter".to_owned(),
            ..Provider::new(9)
        },
    ];
    form.routes[0] = "4,m1".to_owned();
    form.routes[1] = "9,m1".to_owned();
    form
}

/// The fields that are wrong once a change was made.
fn wrong(change: impl FnOnce(&mut Form)) -> Vec<String> {
    let mut form = filled();
    change(&mut form);
    let problems = form.problems();
    problems.into_iter().map(|problem| problem.field).collect()
}

#[test]
fn settings_survive_the_form() {
    let text = r#"{"kind":"ccr_v1","providers":[
        {"name":"one","protocol":"anthropic","base_url":"https://api.example.com","models":["m1","v/m:free"]},
        {"name":"g","protocol":"vertex_gemini","models":["m1"],"transformers":["a","b"]}],
        "routes":{"default":"one,m1","background":"g,m1","think":"one,v/m:free","long_context":"g,m1",
            "long_context_threshold":9000,"web_search":"g,m1","image":"one,m1"},
        "vertex":{"project":"p","location":"global",
            "credentials":{"kind":"service_account_file","path":"/k.json"}}}"#;
    let claude = r#"{"kind":"claude_vertex","vertex":{"project":"p","location":"global",
        "credentials":{"kind":"application_default"},"model":"m","small_model":"s"}}"#;
    let third = r#"{"kind":"ccr_v3","providers":[{"name":"one","protocol":"openai_chat",
        "base_url":"http://127.0.0.1:1/v1","models":["m1"]}],"routes":{"default":"one,m1"}}"#;
    for text in [text, claude, third] {
        let settings: RouterSettings = serde_json::from_str(text).unwrap();
        let form = Form::of("Work", &settings);
        assert_eq!(form.problems(), []);
        assert_eq!(form.settings(), settings);
    }
}

#[test]
fn what_the_kind_does_not_have_is_left_out_and_not_forgotten() {
    let mut form = filled();
    form.routes[LONG_CONTEXT] = "4,m2".to_owned();
    form.threshold = "9000".to_owned();
    form.vertex.project = "unused".to_owned();
    let before = form.settings();
    form.kind = RouterKind::CcrV3;
    assert_eq!(form.problems(), []);
    assert!(
        form.settings()
            .providers
            .iter()
            .all(|p| p.transformers.is_empty())
    );
    assert_eq!(form.settings().routes.unwrap().long_context_threshold, None);
    form.kind = RouterKind::ClaudeVertex;
    assert_eq!(form.settings().providers, []);
    form.kind = RouterKind::CcrV1;
    assert_eq!(form.settings(), before);
    assert_eq!(before.vertex, None);
}

#[test]
fn a_provider_keeps_its_routes_under_another_name() {
    let mut form = filled();
    form.providers[0].name = "two".to_owned();
    form.providers[1].name = "three".to_owned();
    let routes = form.settings().routes.unwrap();
    assert_eq!(routes.default, "two,m1");
    assert_eq!(routes.background.as_deref(), Some("three,m1"));
}

#[test]
fn the_default_is_the_first_model_until_another_is_chosen_and_the_only_one_in_any_case() {
    let mut form = filled();
    form.routes[0].clear();
    assert_eq!(form.default_route(), "4,m1");
    form.providers[0].models = "m3, m4".to_owned();
    assert_eq!(form.default_route(), "4,m3");
    form.routes[0] = "4,m4".to_owned();
    form.providers[0].models = "m3".to_owned();
    assert_eq!(
        form.default_route(),
        "4,m4",
        "another is not put in its place"
    );
    form.providers.truncate(1);
    assert_eq!(form.default_route(), "4,m3");
    form.providers[0].models.clear();
    assert_eq!(form.targets(), []);
    assert_eq!(form.default_route(), "4,m4");
}

#[test]
fn models_are_read_however_they_are_separated() {
    assert_eq!(words(" a, b\n\tc:free ,,"), ["a", "b", "c:free"]);
    assert_eq!(words(" \n"), [] as [&str; 0]);
}

#[test]
fn a_problem_is_shown_at_its_field() {
    assert_eq!(wrong(|_| {}), [] as [&str; 0]);
    assert_eq!(wrong(|form| form.name = " ".to_owned()), ["name"]);
    assert_eq!(wrong(|form| form.name = "n".repeat(101)), ["name"]);
    assert_eq!(
        wrong(|form| form.providers.clear()),
        ["providers", "routes.default", "routes.background"]
    );
    let of = |change: fn(&mut Provider)| wrong(move |form| change(&mut form.providers[1]));
    assert_eq!(of(|p| p.name = "a b".to_owned()), ["providers[1].name"]);
    assert_eq!(of(|p| p.name = "ONE".to_owned()), ["providers[1].name"]);
    assert_eq!(of(|p| p.base_url.clear()), ["providers[1].base_url"]);
    assert_eq!(
        of(|p| p.models = "m1 $x $y".to_owned()),
        ["providers[1].models", "providers[1].models"]
    );
    assert_eq!(
        of(|p| p.transformers = "ok no/no".to_owned()),
        ["providers[1].transformers"]
    );
    assert_eq!(
        of(|p| p.models.clear()),
        ["providers[1].models", "routes.background"]
    );
    assert_eq!(of(|p| p.key = "sk 1".to_owned()), ["providers[1].key"]);
    assert_eq!(of(|p| p.key = " sk-1\n".to_owned()), [] as [&str; 0]);
    assert_eq!(
        wrong(|form| form.routes[5] = "7,m1".to_owned()),
        ["routes.image"]
    );
    let long = |text: &'static str| {
        wrong(move |form| {
            form.routes[LONG_CONTEXT] = "4,m1".to_owned();
            form.threshold = text.to_owned();
        })
    };
    assert_eq!(long("many"), [THRESHOLD]);
    assert_eq!(long("0"), [THRESHOLD]);
    assert_eq!(long(" 9000 "), [] as [&str; 0]);
    let on_vertex = wrong(|form| {
        form.providers[1].protocol = ProviderProtocol::VertexGemini;
        form.vertex.from_file = true;
    });
    assert_eq!(
        on_vertex,
        [
            "vertex.project",
            "vertex.location",
            "vertex.credentials.path"
        ]
    );
}

#[test]
fn a_problem_with_one_of_many_names_says_which() {
    let mut form = filled();
    form.providers[0].models = "m1 $bad".to_owned();
    let [problem] = &form.problems()[..] else {
        panic!("{:?}", form.problems());
    };
    assert!(problem.message.starts_with("$bad: "), "{problem}");
    form = filled();
    form.routes[0] = "4,gone".to_owned();
    assert_eq!(form.problems()[0].message, router_editor().route_wrong);
}

#[test]
fn what_the_engine_says_of_a_whole_part_is_shown_at_its_first_field() {
    let told = ["routes", "vertex", "providers[0].models[1]", "kind"].map(|field| FieldProblem {
        field: field.to_owned(),
        message: "No.".to_owned(),
    });
    let placed = filled().placed(told.to_vec());
    let fields: Vec<_> = placed.iter().map(|p| p.field.as_str()).collect();
    assert_eq!(
        fields,
        [
            "routes.default",
            "vertex.project",
            "providers[0].models",
            "kind"
        ]
    );
    assert_eq!(placed[2].message, "m2: No.");
}
