//! Both directions against serde, which the engine uses.

use std::fmt::Debug;

use berth_protocol::*;
use serde::{Serialize, de::DeserializeOwned};

use super::json::Json;
use super::{
    AuditEntry, Called, Given, Heard, POLICIES, Read, Said, SessionTools, Tested, ToolCall, Tools,
    Write, event, read,
};

/// What the engine writes is read as what it meant, with everything there and with nothing that may
/// be left out.
fn check<T: Read + Serialize + DeserializeOwned + PartialEq + Debug>(texts: &[&str]) {
    for text in texts {
        let meant: T = serde_json::from_str(text).unwrap();
        let written = serde_json::to_string(&meant).unwrap();
        assert_eq!(read::<T>(&written).as_ref(), Ok(&meant), "{written}");
        let pretty = serde_json::to_string_pretty(&meant).unwrap();
        assert_eq!(read::<T>(&pretty).as_ref(), Ok(&meant), "{pretty}");
    }
}

const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
const AT: &str = "2026-11-23T19:05:01.25Z";

fn session(status: &str) -> String {
    format!(
        r#"{{"id":"{ID}","project_id":"{ID}","agent":"claude","title":"ä \"q\" \\ \n",{status},
            "workspace":{{"kind":"worktree","path":"/w","branch":"b","base":null,"base_commit":"c"}},
            "transport":"acp","permission_mode":"plan","command":["a","b"],"size":{{"rows":40,"cols":120}},
            "router":{{"id":"{ID}","state":{{"state":"failed","reason":"r"}}}},"run":2,"changes":{{"files":1,"added":5000000000,"removed":3}},"undelivered":"{ID}","created_at":"{AT}",
            "updated_at":"1969-12-31T23:59:59.999999999Z","ended_at":"2024-02-29T00:00:00Z","archived_at":null}}"#
    )
}

fn message(rest: &str) -> String {
    format!(
        r#"{{"id":"{ID}","session_id":"{ID}","seq":7,"role":"agent","content":"c","at":"{AT}","run":1{rest}}}"#
    )
}

const AGENT: &str = r#"{"id":"codex","name":"Codex","state":"unsupported","path":"/p","found":"usual_folder",
    "version":"1","detail":"d","sign_in_hint":"s","install_hint":"i",
    "permission_modes":[{"id":"a","name":"n","description":"d","unchecked":true,"refused":"w"}],"refused":"r",
    "routers":["ccr_v1","ccr_v3","claude_vertex"],"needs_router":true,"defined":true}"#;
const PROJECT: &str = r#"{"id":"01890a5d-ac96-774b-bcce-b302099a8057","path":"/p","name":"n",
    "git":{"root":"/","branch":null,"linked_worktree":true,"has_commits":false},"missing":true,
    "created_at":"2000-03-01T00:00:00Z"}"#;

#[test]
fn answers_are_read_as_serde_reads_them() {
    let statuses = [
        r#""status":"starting""#,
        r#""status":"running""#,
        r#""status":"waiting""#,
        r#""status":"needs_attention","attention":{"id":"1","question":"q","options":[{"id":"y","label":"Yes"}]}"#,
        r#""status":"exited","code":-1,"signal":null"#,
        r#""status":"exited","code":null,"signal":"SIGTERM""#,
        r#""status":"failed","failure":{"code":"session.spawn_failed","detail":"d"}"#,
    ];
    for status in statuses {
        check::<Session>(&[&session(status)]);
        check::<SessionList>(&[&format!(r#"{{"sessions":[{}]}}"#, session(status))]);
        check::<ServerControl>(&[&format!(r#"{{"type":"ended",{status}}}"#)]);
    }
    check::<ServerControl>(&[
        r#"{"type":"snapshot","size":{"rows":2,"cols":3},"run":1,"skipped":9}"#,
        r#"{"type":"resized","size":{"rows":2,"cols":3}}"#,
    ]);
    check::<MessagePage>(&[
        &format!(
            r#"{{"messages":[{},{}],"next":9}}"#,
            message(""),
            message(r#","partial":true"#)
        ),
        r#"{"messages":[],"next":null}"#,
    ]);
    check::<ChatAccepted>(&[&format!(r#"{{"message":{}}}"#, message(""))]);
    check::<AgentList>(&[&format!(r#"{{"agents":[{AGENT}]}}"#)]);
    for state in ["checking", "ready", "broken", "missing"] {
        for found in ["null", "\"path\"", "\"built_in\""] {
            check::<Agent>(&[&format!(
                r#"{{"id":"a","name":"A","state":"{state}","path":null,"found":{found},"version":null,"detail":null,
                    "sign_in_hint":null,"install_hint":null,"permission_modes":[]}}"#
            )]);
        }
    }
    check::<ProjectList>(&[&format!(r#"{{"projects":[{PROJECT}]}}"#)]);
    check::<BranchList>(&[r#"{"branches":["a","b"],"default":"a"}"#]);
    check::<FolderList>(&[
        r#"{"path":"/a","parent":"/","folders":[{"name":"n","path":"/a/n","git":true}]}"#,
    ]);
    check::<EngineInfo>(&[
        r#"{"version":"1","pid":4,"data_dir":"/d","log_dir":"/l","home_dir":"/h","os":"linux","schema_version":3,
            "environment":"e","warnings":["w"]}"#,
    ]);
    check::<UnsavedWork>(&[
        r#"{"uncommitted":1,"files":["f"],"unpushed":1,"commits":[{"hash":"h","subject":"s"}]}"#,
    ]);
    for kind in [
        "added",
        "untracked",
        "modified",
        "deleted",
        "renamed",
        "type_changed",
        "conflicted",
    ] {
        check::<DiffPage>(&[&format!(
            r#"{{"base_commit":null,"total":{{"files":1,"added":1,"removed":0}},"next":"n",
                "files":[{{"path":"p","kind":"{kind}","added":null,"removed":1}},
                         {{"path":"p","old_path":"o","kind":"{kind}","added":1,"removed":null}}]}}"#
        )]);
    }
    check::<Uploaded>(&[r#"{"path":"/p/ä.txt","name":"ä.txt","size":5000000000,"sha256":"a"}"#]);
    check::<FilePatch>(&[r#"{"path":"p","patch":"@@","binary":false,"truncated":true}"#]);
    check::<AuditVerification>(&[
        r#"{"valid":false,"checked":9,"first":1,"last":9,"broken_at":4}"#,
        r#"{"valid":true,"checked":0,"first":null,"last":null,"broken_at":null}"#,
    ]);
}

#[test]
fn problems_are_read_with_every_code() {
    for code in Code::ALL {
        let problem = serde_json::to_string(&Problem::new(*code, "d")).unwrap();
        check::<Problem>(&[&problem]);
    }
    check::<Problem>(&[
        r#"{"type":"t","title":"t","status":409,"code":"workspace.has_work","detail":"d",
            "work":{"uncommitted":0,"files":[],"unpushed":0,"commits":[]}}"#,
        r#"{"type":"t","title":"t","status":418,"code":"moon.too_far","detail":"d","hint":"h"}"#,
    ]);
}

#[test]
fn events_are_read_as_serde_reads_them() {
    let texts = [
        r#"{"type":"reset"}"#.to_owned(),
        format!(r#"{{"type":"project_changed","project":{PROJECT}}}"#),
        format!(r#"{{"type":"project_removed","id":"{ID}"}}"#),
        format!(r#"{{"type":"agents_changed","agents":[{AGENT}]}}"#),
        format!(
            r#"{{"type":"session_changed","session":{}}}"#,
            session(r#""status":"running""#)
        ),
        format!(r#"{{"type":"session_removed","id":"{ID}"}}"#),
        format!(r#"{{"type":"message_changed","message":{}}}"#, message("")),
    ];
    for text in texts {
        let meant: Event = serde_json::from_str(&text).unwrap();
        let written = serde_json::to_string(&meant).unwrap();
        assert_eq!(
            event(meant.name(), &written),
            Some(Ok(Heard::Changed(meant))),
            "{written}"
        );
    }
    assert_eq!(event("moon_rises", "{}"), None);
    assert_eq!(event("session_removed", "{}"), Some(Err("id")));
}

#[test]
fn facts_of_the_audit_trail_become_texts() {
    let event = AuditEvent {
        seq: 3,
        at: AT.parse().unwrap(),
        action: "session.created".into(),
        subject_kind: "session".into(),
        subject_id: ID.into(),
        session_id: Some(ID.parse().unwrap()),
        details: serde_json::json!({"a": "x", "b": 2, "c": null, "d": [1, true], "e": {"f": "g"}}),
        prev_hash: "0".into(),
        hash: "1".into(),
    };
    let written = serde_json::to_string(&event).unwrap();
    let entry: AuditEntry = read(&written).unwrap();
    let fact = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    assert_eq!(
        entry.details,
        [
            fact("a", "x"),
            fact("b", "2"),
            fact("d", "1, true"),
            fact("e", "f g")
        ]
    );
    assert_eq!((entry.seq, entry.at), (3, AT.parse().unwrap()));
    assert_eq!(entry.session_id, event.session_id);

    let added = Event::AuditAdded {
        event: Box::new(event),
    };
    let written = serde_json::to_string(&added).unwrap();
    assert_eq!(
        super::event(added.name(), &written),
        Some(Ok(Heard::Noted(entry)))
    );
}

#[test]
fn bodies_are_written_as_serde_reads_them() {
    fn check<T: Write + DeserializeOwned + PartialEq + Debug>(body: &T) {
        let written = body.write();
        let read: T = serde_json::from_str(&written).unwrap_or_else(|e| panic!("{written}: {e}"));
        assert_eq!(read, *body, "{written}");
    }
    let beginnings = [Beginning::New, Beginning::Resumed, Beginning::Transcript].map(Some);
    for beginning in beginnings.into_iter().chain([None]) {
        check(&RestartSession { beginning });
    }
    let odd = "ä \"q\" \\ \n \t \r \u{0} \u{1f} 🦀".to_owned();
    check(&Approval {
        attention_id: odd.clone(),
        option_id: "o".into(),
    });
    check(&ChatRequest {
        session_id: ID.parse().unwrap(),
        content: odd.clone(),
    });
    check(&CreateProject {
        path: odd.clone(),
        name: None,
    });
    check(&CreateProject {
        path: "p".into(),
        name: Some(odd.clone()),
    });
    check(&UpdateProject { name: odd.clone() });
    check(&UpdateSession { title: odd.clone() });
    check(&ClientControl::Resize {
        size: Size::DEFAULT,
    });
    check(&ClientControl::Ack { bytes: 7 });
    let bare = CreateSession {
        project_id: ID.parse().unwrap(),
        agent: "claude".parse().unwrap(),
        message: None,
        title: None,
        workspace: None,
        transport: None,
        permission_mode: None,
        command: None,
        router: None,
        size: None,
        instructions: None,
        mcp_servers: Vec::new(),
    };
    check(&bare);
    check(&CreateSession {
        workspace: Some(WorkspaceRequest::InPlace),
        ..bare.clone()
    });
    for (base, branch) in [(None, None), (Some("main".to_owned()), Some(odd.clone()))] {
        check(&CreateSession {
            message: Some(odd.clone()),
            title: Some(odd.clone()),
            workspace: Some(WorkspaceRequest::Worktree { base, branch }),
            transport: Some(Transport::Acp),
            permission_mode: Some("plan".into()),
            command: Some(vec![odd.clone(), String::new()]),
            router: Some(ID.parse().unwrap()),
            size: Some(Size::DEFAULT),
            instructions: Some(odd.clone()),
            ..bare.clone()
        });
    }
}

#[test]
fn routers_are_read_and_written_as_serde_does_it() {
    let routers = [
        r#"{"kind":"ccr_v1","providers":[{"name":"a","protocol":"vertex_gemini","base_url":null,"models":["m"]}],
            "routes":{"default":"a,m"},"vertex":{"project":"p","location":"l","credentials":{"kind":"application_default"}}}"#,
        r#"{"kind":"ccr_v3","providers":[{"name":"a","protocol":"openai_chat","base_url":"https://a","models":["m"],
            "transformers":["t"]},{"name":"b","protocol":"openai_responses","models":[]},
            {"name":"c","protocol":"anthropic","models":[]},{"name":"d","protocol":"gemini","models":[]}],
            "routes":{"default":"d","background":"b","think":"t","long_context":"l","long_context_threshold":9,
            "web_search":"w","image":"i"},"vertex":null}"#,
        r#"{"kind":"claude_vertex","vertex":{"project":"p","location":"l","model":"m","small_model":"s",
            "credentials":{"kind":"service_account_file","path":"/ä \"q\""}}}"#,
    ];
    for settings in routers {
        let router = format!(
            r#"{{"id":"{ID}","name":"n","version":2,"settings":{settings},"keys":["a"],
                "created_at":"{AT}","updated_at":"{AT}"}}"#
        );
        check::<RouterSettings>(&[settings]);
        check::<RouterList>(&[
            &format!(r#"{{"routers":[{router}],"program":{{"kind":"ccr_v1","version":"1.0"}}}}"#),
            r#"{"routers":[],"program":{"kind":null,"version":null,"detail":"d","hint":"h"}}"#,
        ]);
        let draft = RouterDraft {
            name: "ä \"q\"".to_owned(),
            settings: serde_json::from_str(settings).unwrap(),
        };
        let read: RouterDraft = serde_json::from_str(&draft.write()).unwrap();
        assert_eq!(read, draft);
        let changed = format!(r#"{{"type":"router_changed","router":{router}}}"#);
        assert_eq!(event("router_changed", &changed), Some(Ok(Heard::Routers)));
    }
    let key = RouterKey {
        key: "k \"q\"".to_owned().into(),
    };
    let read: RouterKey = serde_json::from_str(&key.write()).unwrap();
    assert_eq!(read, key);
    for state in [
        r#""state":"starting""#,
        r#""state":"healthy""#,
        r#""state":"restarting","reason":"r""#,
        r#""state":"failed","reason":"r""#,
        r#""state":"stopped""#,
    ] {
        check::<SessionRouter>(&[&format!(r#"{{"id":"{ID}","state":{{{state}}}}}"#)]);
    }
    check::<SessionRouter>(&[&format!(r#"{{"id":"{ID}","state":null}}"#)]);
}

fn prompt(rest: &str) -> String {
    format!(
        r#"{{"id":"{ID}","scope":"organization","name":"ä \"q\"","content":"a\nb","enabled":true,"version":2,
            "created_at":"{AT}","updated_at":"{AT}"{rest}}}"#
    )
}

const DRAFTS: [&str; 3] = [
    r#"{"name":"n","content":"c"}"#,
    r#"{"scope":"global","name":"ä \"q\"","format":"template","content":"{{ a }}\n","priority":-3,"enabled":false,
        "locked":true,"target":{"agents":["claude"],"projects":["01890a5d-ac96-774b-bcce-b302099a8057"]}}"#,
    r#"{"scope":"user","name":"n","format":"text","content":"","target":{}}"#,
];

fn effective() -> String {
    let codes = [
        "override_attempt",
        "role_change",
        "role_marker",
        "scope_marker",
        "mention",
        "control_characters",
    ];
    let warnings: Vec<String> = codes
        .iter()
        .map(|code| {
            format!(
                r#"{{"code":"{code}","part":"{ID}","field":null,"line":1,"column":2,"message":"m","excerpt":"·","redacted":true}}"#
            )
        })
        .chain([r#"{"code":"mention","field":"branch","line":1,"column":1,"message":"m","excerpt":"e"}"#.to_owned()])
        .collect();
    format!(
        r#"{{"text":"a\nb","parts":[{{"id":"{ID}","name":"n","scope":"user","version":1,"start":0,"end":3}}],
            "sha256":"f00","warnings":[{}]}}"#,
        warnings.join(",")
    )
}

#[test]
fn prompts_are_read_as_serde_reads_them() {
    let (bare, all) = (
        prompt(""),
        prompt(
            r#","format":"template","priority":7,"locked":true,"author":"local",
                "target":{"agents":["claude","codex"],"projects":[]}"#,
        ),
    );
    check::<SystemPrompt>(&[&bare, &all]);
    check::<PromptOrder>(&[&format!(r#"{{"prompts":[{bare},{all}]}}"#)]);
    for policy in ["warn", "redact", "reject"] {
        check::<PromptList>(&[&format!(
            r#"{{"prompts":[{bare}],"policy":{{"sanitize":"{policy}"}},"writable":["user","global"],"declined":["{ID}"],
                "fields":[{{"name":"n","go_name":"N","description":"d"}}]}}"#
        )]);
    }
    for state in ["waiting", "refused", "conflict"] {
        check::<PromptList>(&[&format!(
            r#"{{"prompts":[],"policy":{{"sanitize":"warn"}},"writable":["organization"],"declined":[],"fields":[],
                "least":"reject","changes":[{{"id":"{ID}","state":"{state}"}}]}}"#
        )]);
    }
    check::<PromptDraft>(&DRAFTS);
    for draft in DRAFTS {
        check::<PromptVersions>(&[&format!(
            r#"{{"versions":[{{"version":2,"draft":{draft},"author":"{ID}","author_name":"Ada","at":"{AT}"}},
                {{"version":1,"draft":{draft},"at":"{AT}"}}]}}"#
        )]);
    }
    let diff = r#"{"patch":"@@ -1 +1 @@\n-a\n+b\n","added":1,"removed":1}"#;
    check::<TextDiff>(&[diff]);
    let origins = r#"[{"first":1,"last":2},{"first":3,"last":3,"part":0}]"#;
    let effective = effective();
    check::<PromptPreview>(&[
        &format!(
            r#"{{"effective":{effective},"origins":{origins},"policy":"redact","undelivered":"u",
                "compared":{{"session":"{ID}","sha256":"s","diff":{diff}}}}}"#
        ),
        &format!(
            r#"{{"effective":{effective},"origins":[],"policy":"warn","compared":{{"sha256":"s","diff":{diff}}}}}"#
        ),
    ]);
    let problem = serde_json::to_string(&Problem::new(Code::PromptInvalid, "d")).unwrap();
    let told = format!(
        r#"{{"run":3,"at":"{AT}","effective":{effective},"origins":{origins},"undelivered":"u","changed":{diff},
            "wants_new_conversation":true,"problem":{problem}}}"#
    );
    let quiet = format!(r#"{{"run":1,"at":"{AT}","effective":{effective},"origins":[]}}"#);
    check::<SessionPrompt>(&[&told, &quiet]);
    for outcome in ["created", "updated", "unchanged", "failed"] {
        check::<PromptImported>(&[&format!(
            r#"{{"results":[{{"file":"f","outcome":"{outcome}","name":"n","problem":{problem}}},
                {{"file":"f","outcome":"{outcome}"}}]}}"#
        )]);
    }
    let conflict = format!(r#"{{"yours":{},"theirs":{all},"diff":{diff}}}"#, DRAFTS[1]);
    check::<Problem>(&[&format!(
        r#"{{"type":"t","title":"t","status":409,"code":"prompt.conflict","detail":"d","conflict":{conflict}}}"#
    )]);

    // What the page of a session takes of it.
    for text in [&told, &quiet] {
        let meant: SessionPrompt = serde_json::from_str(text).unwrap();
        let given = Given {
            run: meant.run,
            parts: meant.effective.parts.len(),
            sha256: meant.effective.sha256.clone(),
            warnings: meant.effective.warnings.len(),
            undelivered: meant.undelivered.clone(),
            wants_new_conversation: meant.wants_new_conversation,
            changed: meant.changed.is_some(),
            problem: meant.problem.clone(),
        };
        let written = serde_json::to_string(&meant).unwrap();
        assert_eq!(read::<Given>(&written), Ok(given));
    }
}

#[test]
fn what_is_said_of_prompts_is_written_as_serde_reads_it() {
    fn check<T: Write + DeserializeOwned + PartialEq + Debug>(body: &T) {
        let written = body.write();
        let read: T = serde_json::from_str(&written).unwrap_or_else(|e| panic!("{written}: {e}"));
        assert_eq!(read, *body, "{written}");
    }
    let id: PromptId = ID.parse().unwrap();
    for draft in DRAFTS {
        let draft: PromptDraft = serde_json::from_str(draft).unwrap();
        check(&draft);
        check(&PromptEdit {
            version: 4,
            prompt: draft.clone(),
        });
        check(&PreviewRequest {
            agent: "claude".parse().unwrap(),
            transport: None,
            project: Some(ID.parse().unwrap()),
            draft: Some(draft),
            id: Some(id),
        });
    }
    check(&PreviewRequest {
        agent: "claude".parse().unwrap(),
        transport: None,
        project: None,
        draft: None,
        id: None,
    });
    for declined in [true, false] {
        check(&PromptChoice { declined });
    }
    for before in [None, Some(id)] {
        check(&PromptMove { version: 9, before });
    }
    check(&PromptRestore { version: 3, to: 1 });
    for (sanitize, _) in POLICIES {
        check(&PromptPolicy { sanitize });
    }
    for dry_run in [true, false] {
        check(&PromptImport {
            files: vec![PromptFile {
                name: "ä.md".into(),
                text: "---\n\"q\"".into(),
            }],
            dry_run,
        });
    }
}

#[test]
fn events_of_prompts_say_that_they_are_others() {
    let changed = Event::PromptChanged {
        prompt: Box::new(serde_json::from_str(&prompt("")).unwrap()),
    };
    let removed = Event::PromptRemoved {
        id: ID.parse().unwrap(),
    };
    let policy = Event::PromptPolicyChanged {
        policy: PromptPolicy::default(),
    };
    for meant in [changed, removed, policy] {
        let written = serde_json::to_string(&meant).unwrap();
        let heard = event(meant.name(), &written);
        assert_eq!(heard, Some(Ok(Heard::Prompts)), "{written}");
    }
}

#[test]
fn agents_that_a_user_describes_are_read_and_written_as_serde_does_it() {
    let definitions = [
        r#"{"name":"n","program":"p"}"#,
        r#"{"name":"n","like":"claude","args":["a"],"env":{"A":"ä \"q\""},"secrets":["K"]}"#,
        r#"{"name":"n","program":"p","args":["a","b"],"env":{"A":"1","B":"2"},"secrets":["K"],
            "version_args":["v"],"acp_args":[],"instructions":{"args":["{instructions}"],"env":{"I":"x"}},
            "mcp":{"args":["m"],"env":{"M":"y"},"each_stdio":["s"],"each_http":["h"]},
            "permission_modes":[{"id":"a","name":"A","description":"d","unchecked":false,"args":["x"],"env":{"Y":"1"}},
            {"id":"b","name":"B","description":"","unchecked":true,"args":[],"env":{}}],
            "screen":{"settle_ms":200,"prompt":"^>(.*)$","placeholder":"p","busy":["b"],"echo":"^e(.*)$","bullet":"^*",
            "noise":["n"],"reads_lines":true,"interrupt":"ctrl_c"}}"#,
        r#"{"name":"n","program":"p","screen":{"interrupt":"escape"}}"#,
    ];
    for text in definitions {
        check::<AgentDefinition>(&[text]);
        check::<DefinedAgent>(&[&format!(
            r#"{{"id":"mine","version":3,"definition":{text},"secrets":["K"],"created_at":"{AT}","updated_at":"{AT}"}}"#
        )]);
        let agent = DefineAgent {
            id: "mine".parse().unwrap(),
            definition: serde_json::from_str(text).unwrap(),
        };
        let read: DefineAgent = serde_json::from_str(&agent.write()).unwrap();
        assert_eq!(read, agent);
    }
    let secret = AgentSecret {
        value: "k \"q\"".to_owned().into(),
    };
    let read: AgentSecret = serde_json::from_str(&secret.write()).unwrap();
    assert_eq!(read, secret);
}

fn mcp_server(rest: &str) -> String {
    format!(
        r#"{{"id":"{ID}","scope":"user","name":"a","server":{{"type":"stdio","command":"npx"}},
            "version":1,"created_at":"{AT}","updated_at":"{AT}"{rest}}}"#
    )
}

const MCP_DRAFTS: [&str; 6] = [
    r#"{"name":"a","server":{"type":"stdio","command":"x"}}"#,
    r#"{"name":"b","server":{"type":"stdio","command":"/x y","args":["","a \"b\"","\n"],"env":{"A":"\u0001","B":""},
        "secret_env":["D","C"]},"enabled":false,"target":{"agents":["claude"],
        "projects":["01890a5d-ac96-774b-bcce-b302099a8057"]}}"#,
    r#"{"name":"c","server":{"type":"http","url":"https://a.example/","headers":{"X":"y"},"secret_headers":["Z"]},
        "auth":{"type":"bearer"}}"#,
    r#"{"name":"d","server":{"type":"sse","url":"http://localhost/"},"auth":{"type":"oauth"}}"#,
    r#"{"name":"e","server":{"type":"http","url":"https://a.example/"},
        "auth":{"type":"oauth","provider":"azure","client_id":"i","scopes":["a","b"],"without_resource":true}}"#,
    r#"{"name":"f","server":{"type":"http","url":"https://a.example/"},
        "auth":{"type":"oauth","client_id":"i","grant":"client_credentials"}}"#,
];

#[test]
fn mcp_servers_are_read_as_serde_reads_them() {
    let problem = serde_json::to_string(&Problem::new(Code::McpEnded, "d")).unwrap();
    let states = [
        r#"{"state":"untried"}"#.to_owned(),
        format!(
            r#"{{"state":"connected","name":null,"version":"1","protocol":"p","tools":3,"connect_ms":5,"at":"{AT}"}}"#
        ),
        format!(r#"{{"state":"needs_sign_in","at":"{AT}"}}"#),
        format!(r#"{{"state":"expired","at":"{AT}"}}"#),
        format!(r#"{{"state":"failed","problem":{problem},"at":"{AT}"}}"#),
        format!(r#"{{"state":"quarantined","tools":["x"],"at":"{AT}"}}"#),
    ];
    for state in states {
        let whole = mcp_server(&format!(
            r#","state":{state},"kept_secrets":["env/A","token"],"consented":true"#
        ));
        check::<McpConfiguration>(&[&whole]);
    }
    for catalog in ["installed", "available", "blocked"] {
        let whole = mcp_server(&format!(r#","catalog":"{catalog}","taken":true"#));
        check::<McpConfiguration>(&[&whole]);
    }
    // What says nothing of a consent has none. Written anew by serde it would say so.
    let bare = mcp_server("");
    let silent = read::<McpConfiguration>(&bare).map(|server| server.consented);
    assert_eq!(silent, Ok(false));
    check::<McpList>(&[
        &format!(
            r#"{{"configurations":[{bare}],"writable":["organization","user"],"unreadable":[],"secrets_file":false}}"#
        ),
        r#"{"configurations":[],"writable":[],"unreadable":[
            {"id":"01890000-0000-7000-8000-000000000001","scope":"user","name":"n","parts":["server"]}],"secrets_file":true}"#,
    ]);
    check::<McpDraft>(&MCP_DRAFTS);
    for provider in ["discovered", "github", "google", "auth0", "azure"] {
        check::<OauthProvider>(&[&format!("\"{provider}\"")]);
    }
    check::<McpImported>(&[&format!(
        r#"{{"servers":[{{"name":"n","projects":["/p"],"draft":{},"secrets":["env/A"],"notes":["o"],
            "problems":[{{"field":"f","message":"m"}}]}},{{"name":"n"}}]}}"#,
        MCP_DRAFTS[1]
    )]);
}

#[test]
fn servers_of_a_session_are_read_as_serde_writes_them() {
    use SessionMcpState::*;
    for state in [
        Own,
        Withheld,
        Untried,
        Connected,
        NeedsSignIn,
        Expired,
        Failed,
        Quarantined,
    ] {
        let entry = SessionMcpEntry {
            name: "n".to_owned(),
            configuration: Some(ID.parse().unwrap()),
            state,
            tools: Some(3),
            why: Some("w".to_owned()),
        };
        let bare = SessionMcpEntry {
            configuration: None,
            tools: None,
            why: None,
            ..entry.clone()
        };
        let servers = vec![entry, bare];
        let written = serde_json::to_string(&SessionMcp {
            servers: servers.clone(),
        })
        .unwrap();
        let read = read::<SessionTools>(&written).unwrap();
        for (read, meant) in read.servers.into_iter().zip(servers) {
            assert_eq!((read.name, read.state), (meant.name, meant.state));
            assert_eq!((read.tools, read.why), (meant.tools, meant.why));
        }
    }
}

#[test]
fn what_is_said_of_mcp_servers_is_written_as_serde_reads_it() {
    fn check<T: Write + DeserializeOwned + PartialEq + Debug>(body: &T) {
        let written = body.write();
        let read: T = serde_json::from_str(&written).unwrap();
        assert_eq!(&read, body, "{written}");
    }
    for draft in MCP_DRAFTS {
        let draft: McpDraft = serde_json::from_str(draft).unwrap();
        check(&draft);
        check(&McpEdit {
            version: 7,
            configuration: draft,
        });
    }
    check(&McpConsent { version: 3 });
    check(&McpAccept {
        tools: vec!["echo".to_owned(), "a \"b\"".to_owned()],
    });
    check(&McpImport {
        text: "{\"a\":\n1}".to_owned(),
    });
    let secret = McpSecret {
        value: "a\"b".to_owned().into(),
    };
    let secret: McpSecret = serde_json::from_str(&secret.write()).unwrap();
    assert_eq!(secret.value.expose(), "a\"b");
    let test = McpTest {
        id: Some(ID.parse().unwrap()),
        draft: None,
        secrets: Default::default(),
    };
    let read: McpTest = serde_json::from_str(&test.write()).unwrap();
    assert_eq!((read.id, read.draft), (test.id, None));
    let call = ToolCall {
        tool: "e\"cho".to_owned(),
        arguments: r#"{"a": [1.50]}"#.to_owned(),
    };
    let call: McpCall = serde_json::from_str(&call.write()).unwrap();
    assert_eq!(call.tool, "e\"cho");
    assert_eq!(call.arguments, serde_json::json!({"a": [1.5]}));
}

#[test]
fn what_servers_and_tools_say_becomes_what_is_shown() {
    let tool = r#"{"name":"echo","title":"T","description":null,
        "input_schema":{"type":"object","properties":{"b":{"type":"string"}}}}"#;
    let tools = format!(r#"{{"tools":[{tool}],"at":"{AT}"}}"#);
    let typed: McpTools = serde_json::from_str(&tools).unwrap();
    let shown: Tools = read(&serde_json::to_string(&typed).unwrap()).unwrap();
    assert_eq!(shown.at, typed.at);
    assert_eq!(shown.tools[0].name, "echo");
    let schema: serde_json::Value = serde_json::from_str(&shown.tools[0].schema).unwrap();
    assert_eq!(schema, typed.tools[0].input_schema);
    assert!(shown.tools[0].schema.contains("\n    \"b\": {\n"));

    let tested = format!(
        r#"{{"probe":{{"name":"n","version":null,"protocol":"p","tools":[{tool},{tool}],"connect_ms":4,"list_ms":5}}}}"#
    );
    let typed: McpTested = serde_json::from_str(&tested).unwrap();
    let shown: Tested = read(&serde_json::to_string(&typed).unwrap()).unwrap();
    assert_eq!((shown.tools, shown.connect_ms, shown.list_ms), (2, 4, 5));
    assert_eq!((shown.name.as_deref(), shown.version), (Some("n"), None));

    let called = |result: &str| {
        let answer = format!(r#"{{"result":{result},"is_error":true,"took_ms":6}}"#);
        read::<Called>(&answer).unwrap().content
    };
    let json = |text: &str| Said::Json(text.to_owned());
    assert_eq!(
        called(
            r#"{"content":[{"type":"text","text":"a\nb"},{"type":"image","data":"x"}],"structuredContent":{"c":[]}}"#
        ),
        [
            Said::Text("a\nb".to_owned()),
            json("{\n  \"type\": \"image\",\n  \"data\": \"x\"\n}"),
            json("{\n  \"c\": []\n}"),
        ]
    );
    assert_eq!(called("{}"), [json("{}")]);
    let long = format!(r#"{{"content":["{}"]}}"#, "ä".repeat(5_000));
    assert_eq!(
        called(&long),
        [json(&format!("\"{}… (5000)\"", "ä".repeat(4_000)))]
    );
}

#[test]
fn events_of_mcp_servers_say_that_they_are_others() {
    let changed = Event::McpChanged {
        configuration: Box::new(serde_json::from_str(&mcp_server("")).unwrap()),
    };
    let removed = Event::McpRemoved {
        id: ID.parse().unwrap(),
    };
    for told in [changed, removed] {
        let written = serde_json::to_string(&told).unwrap();
        let heard = event(told.name(), &written);
        assert_eq!(heard, Some(Ok(Heard::Mcp)), "{written}");
    }
}

#[test]
fn moments_are_read_as_jiff_reads_them() {
    for text in [
        "1970-01-01T00:00:00Z",
        "2000-02-29T23:59:59.999Z",
        "2100-02-28T12:00:00.000000001Z",
        "2026-12-31T23:59:59.5Z",
        "1969-07-20T20:17:40Z",
        "1601-01-01T00:00:00Z",
    ] {
        let meant: Timestamp = text.parse().unwrap();
        assert_eq!(
            read::<Timestamp>(&format!("\"{text}\"")),
            Ok(meant),
            "{text}"
        );
    }
    for text in [
        "",
        "2026-11-23",
        "2026-11-23T19:05:01",
        "2026-13-01T00:00:00Z",
        "xT1:2:3Z",
    ] {
        assert_eq!(
            read::<Timestamp>(&format!("\"{text}\"")),
            Err("time"),
            "{text}"
        );
    }
}

#[test]
fn texts_are_unescaped_and_what_is_not_json_is_refused() {
    for text in [
        r#""""#,
        r#""a\u00e4\ud83e\udd80\"\\\/\b\f\n\r\t""#,
        r#""\n""#,
        "\"🦀\"",
    ] {
        let meant: String = serde_json::from_str(text).unwrap();
        assert_eq!(read::<String>(text), Ok(meant), "{text}");
    }
    for text in [
        "",
        "{",
        "[1,",
        "[1 2]",
        "{\"a\"}",
        "{\"a\":1,}",
        "nul",
        "\"a",
        "\"\\x\"",
        "1 2",
        "-",
        "\"\\u12\"",
    ] {
        assert_eq!(Json::parse(text), None, "{text}");
    }
    assert_eq!(Json::parse(&"[".repeat(100_000)), None);
}
