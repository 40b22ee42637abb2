//! What people, scripts and programs do wrong: each case has its stable code, says what to do, and
//! loses nothing.

#![cfg(unix)]

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use berth_protocol::{
    AgentState, Approval, ChatRequest, Code, CreateProject, CreateSession, DiffPage, Project,
    ProjectId, Role, Screen, Session, SessionId, Status, Transport, WorkspaceKind,
    WorkspaceRequest,
};
use berth_tests::{
    Engine, Repository, STOP_LIMIT, Setup, git, problem, processes, session, skip, this_test,
};
use reqwest::Method;
use serde_json::json;

fn folder(engine: &Engine, name: &str) -> PathBuf {
    let path = engine.setup().folder().join(name);
    fs::create_dir_all(&path).expect("a folder can be made");
    path
}

fn repository(engine: &Engine) -> Repository {
    Repository::with_history(&engine.setup().folder().join("repository"))
}

async fn plain_project(engine: &Engine) -> Project {
    engine.client.add_project(&folder(engine, "plain")).await
}

fn worktree(base: Option<&str>, branch: Option<&str>) -> Option<WorkspaceRequest> {
    Some(WorkspaceRequest::Worktree {
        base: base.map(str::to_owned),
        branch: branch.map(str::to_owned),
    })
}

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

fn said(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

// Folders.

#[tokio::test]
async fn a_path_that_is_no_folder_is_refused() {
    let engine = Engine::start().await;
    let place = folder(&engine, "plain");
    fs::write(place.join("file"), "").unwrap();
    for (path, code) in [
        (place.join("missing"), Code::PathMissing),
        (place.join("file"), Code::PathNotFolder),
        (place.join("file/below"), Code::PathMissing),
        ("plain".into(), Code::PathNotAbsolute),
        ("./plain".into(), Code::PathNotAbsolute),
        (PathBuf::new(), Code::PathNotAbsolute),
    ] {
        let refused = engine.client.try_add_project(&path).await.unwrap_err();
        let as_expected =
            refused.code == code || path.ends_with("below") && refused.code == Code::PathNotFolder;
        assert!(as_expected, "{path:?}: {refused:?}");
        assert!(refused.hint.is_some(), "{path:?} says what to do");
    }
    engine.client.assert_audit_valid().await;
    assert_eq!(engine.client.audit().await, [], "nothing has happened");
}

#[tokio::test]
async fn a_folder_that_cannot_be_read_is_refused() {
    // Root reads everything unless it gives the right to do so away.
    let mut setup = Setup::new();
    if is_root() {
        let capabilities = "-dac_override,-dac_read_search";
        let wrapper = ["setpriv", "--bounding-set", capabilities];
        let probe = Command::new(wrapper[0])
            .args(&wrapper[1..])
            .arg("true")
            .status();
        if !probe.is_ok_and(|status| status.success()) {
            return skip(
                &this_test(),
                "root reads every folder, and setpriv is not there",
            );
        }
        setup = setup.wrapped(&wrapper);
    }
    let engine = setup.start().await;
    let place = folder(&engine, "closed");
    fs::set_permissions(&place, fs::Permissions::from_mode(0o000)).unwrap();
    let refused = engine.client.try_add_project(&place).await.unwrap_err();
    assert_eq!(refused.code, Code::PathNotReadable, "{refused:?}");
    fs::set_permissions(&place, fs::Permissions::from_mode(0o700)).unwrap();
    let project = engine.client.add_project(&place).await;
    fs::set_permissions(&place, fs::Permissions::from_mode(0o000)).unwrap();
    let shown: Project = engine
        .client
        .get(&format!("/projects/{}", project.id))
        .await
        .unwrap();
    assert!(shown.missing, "a project that became unreadable says so");
    let refused = engine
        .client
        .try_start(&session(project.id, "shell"))
        .await
        .unwrap_err();
    assert_eq!(refused.code, Code::PathNotReadable);
    fs::set_permissions(&place, fs::Permissions::from_mode(0o700)).unwrap();
}

#[tokio::test]
async fn a_folder_is_a_project_only_once_by_whatever_path() {
    let engine = Engine::start().await;
    let project = plain_project(&engine).await;
    let place = Path::new(&project.path);
    let link = engine.setup().folder().join("link");
    std::os::unix::fs::symlink(place, &link).unwrap();
    for path in [
        place.to_owned(),
        place.join("."),
        place.join("../plain/"),
        link,
    ] {
        let refused = engine.client.try_add_project(&path).await.unwrap_err();
        assert_eq!(refused.code, Code::ProjectExists, "{path:?}");
        assert!(
            refused.detail.contains(&project.id.to_string()),
            "it says which: {refused:?}"
        );
    }
}

#[tokio::test]
async fn a_project_whose_folder_is_gone_starts_no_session() {
    let engine = Engine::start().await;
    let project = plain_project(&engine).await;
    fs::remove_dir(&project.path).unwrap();
    let refused = engine
        .client
        .try_start(&session(project.id, "shell"))
        .await
        .unwrap_err();
    assert_eq!(refused.code, Code::PathMissing);
    assert_eq!(engine.client.sessions().await, []);
}

// Repositories.

#[tokio::test]
async fn a_worktree_is_refused_where_there_is_none_to_be_had() {
    let engine = Engine::start().await;
    let plain = plain_project(&engine).await;
    let empty = Repository::empty(&engine.setup().folder().join("empty"));
    let empty = engine.client.add_project(&empty.path).await;
    assert!(!empty.git.clone().unwrap().has_commits);
    for (project, code) in [
        (plain.id, Code::NotARepository),
        (empty.id, Code::NoCommits),
    ] {
        let wanted = CreateSession {
            workspace: worktree(None, None),
            ..session(project, "shell")
        };
        let refused = engine.client.try_start(&wanted).await.unwrap_err();
        assert_eq!(refused.code, code);
        assert!(refused.hint.is_some());
        let usual = engine.client.start(&session(project, "shell")).await;
        assert_eq!(
            usual.workspace.kind,
            WorkspaceKind::InPlace,
            "without a wish it works in place"
        );
    }
}

#[tokio::test]
async fn bases_and_branches_that_cannot_be_are_refused_and_leave_nothing() {
    let engine = Engine::start().await;
    let repository = repository(&engine);
    let project = engine.client.add_project(&repository.path).await;
    let branches = repository.git(&["branch", "--list"]);
    for (base, branch, code) in [
        (Some("no-such-branch"), None, Code::BaseNotFound),
        (Some("--force"), None, Code::BaseNotFound),
        (None, Some("main"), Code::BranchExists),
        (None, Some("other"), Code::BranchExists),
        (None, Some("other/below"), Code::BranchExists),
        (None, Some("two..dots"), Code::BranchInvalid),
        (None, Some("-dash"), Code::BranchInvalid),
        (None, Some("with space"), Code::BranchInvalid),
        (None, Some(""), Code::BranchInvalid),
    ] {
        let wanted = CreateSession {
            workspace: worktree(base, branch),
            ..session(project.id, "shell")
        };
        let refused = engine.client.try_start(&wanted).await.unwrap_err();
        assert_eq!(refused.code, code, "{base:?} {branch:?}: {refused:?}");
    }
    assert_eq!(repository.git(&["branch", "--list"]), branches);
    assert_eq!(repository.git(&["worktree", "list"]).lines().count(), 1);
    assert_eq!(engine.client.sessions().await, []);

    let wanted = CreateSession {
        workspace: worktree(Some("other"), Some("mine")),
        ..session(project.id, "shell")
    };
    let made = engine.client.start(&wanted).await.workspace;
    assert_eq!(
        (made.branch.as_deref(), made.base.as_deref()),
        (Some("mine"), Some("other"))
    );
    assert_eq!(
        made.base_commit.unwrap(),
        repository.git(&["rev-parse", "other"])
    );
}

#[tokio::test]
async fn a_project_inside_another_worktree_works() {
    let engine = Engine::start().await;
    let repository = repository(&engine);
    let linked = engine.setup().folder().join("linked");
    repository.git(&["worktree", "add", "-q", linked.to_str().unwrap(), "other"]);
    let project = engine.client.add_project(&linked).await;
    let info = project.git.unwrap();
    assert!(info.linked_worktree);
    assert_eq!(info.branch.as_deref(), Some("other"));
    let session = engine.client.shell(project.id).await;
    assert_eq!(session.workspace.kind, WorkspaceKind::Worktree);
    assert_ne!(Path::new(&session.workspace.path), linked);
    let head = git(Path::new(&session.workspace.path), &["rev-parse", "HEAD"]);
    assert_eq!(
        head,
        repository.git(&["rev-parse", "other"]),
        "it starts where the project is"
    );
}

// Agents and their programs.

#[tokio::test]
async fn an_agent_that_is_not_there_or_not_a_program_is_refused() {
    let engine = Engine::start().await;
    let repository = repository(&engine);
    let project = engine.client.add_project(&repository.path).await;
    let missing = engine
        .client
        .try_start(&session(project.id, "goose"))
        .await
        .unwrap_err();
    assert!(
        matches!(missing.code, Code::AgentMissing | Code::AgentUnsupported),
        "{missing:?}"
    );
    let unknown = engine
        .client
        .try_start(&session(project.id, "nobody"))
        .await
        .unwrap_err();
    assert_eq!(unknown.code, Code::AgentNotFound);

    repository.write("data.txt", "no program\n");
    let command = |words: &[&str]| CreateSession {
        command: Some(words.iter().map(|&word| word.to_owned()).collect()),
        workspace: Some(WorkspaceRequest::InPlace),
        ..session(project.id, "custom")
    };
    for (words, code) in [
        (&["no-such-program"][..], Code::AgentMissing),
        (&["./missing.sh"], Code::AgentMissing),
        (&["./data.txt"], Code::AgentNotExecutable),
        (&[], Code::CommandInvalid),
        (&[""], Code::CommandInvalid),
        (&["echo", "nul\0"], Code::CommandInvalid),
    ] {
        let refused = engine.client.try_start(&command(words)).await.unwrap_err();
        assert_eq!(refused.code, code, "{words:?}: {refused:?}");
    }
    let none = engine
        .client
        .try_start(&session(project.id, "custom"))
        .await
        .unwrap_err();
    assert_eq!(none.code, Code::CommandInvalid);
    let shell = CreateSession {
        agent: "shell".parse().unwrap(),
        ..command(&["ls"])
    };
    assert_eq!(
        engine.client.try_start(&shell).await.unwrap_err().code,
        Code::CommandInvalid
    );

    assert_eq!(
        engine.client.sessions().await,
        [],
        "none of them left a session"
    );
    assert_eq!(
        repository.git(&["worktree", "list"]).lines().count(),
        1,
        "nor a worktree"
    );
}

#[tokio::test]
async fn a_missing_agent_says_how_to_install_it() {
    let bare = Setup::new().variable("PATH", "/usr/bin:/bin").start().await;
    let project = plain_project(&bare).await;
    let agents = bare.client.agents().await;
    let claude = agents
        .iter()
        .find(|agent| agent.id.as_str() == "claude")
        .unwrap();
    if claude.state != AgentState::Missing {
        return skip(&this_test(), "claude is installed for the whole system");
    }
    let refused = bare
        .client
        .try_start(&session(project.id, "claude"))
        .await
        .unwrap_err();
    assert_eq!(refused.code, Code::AgentMissing);
    let hint = refused.hint.unwrap();
    assert!(
        hint.contains(claude.install_hint.as_deref().unwrap()),
        "{hint}"
    );
}

#[tokio::test]
async fn an_agent_that_is_not_executable_is_broken_and_refused() {
    let setup = Setup::new();
    let programs = setup.folder().join("programs");
    fs::create_dir(&programs).unwrap();
    fs::write(programs.join("claude"), "no program").unwrap();
    let path = format!("{}:/usr/bin:/bin", programs.display());
    let engine = setup.variable("PATH", path).start().await;
    let project = plain_project(&engine).await;
    let agents = engine.client.agents().await;
    let claude = agents
        .into_iter()
        .find(|agent| agent.id.as_str() == "claude")
        .unwrap();
    if claude.state != AgentState::Broken {
        return skip(&this_test(), "claude is installed for the whole system");
    }
    assert!(claude.detail.is_some(), "it says what is wrong");
    let refused = engine
        .client
        .try_start(&session(project.id, "claude"))
        .await
        .unwrap_err();
    assert_eq!(refused.code, Code::AgentNotExecutable);
}

#[tokio::test]
async fn a_program_that_ends_at_once_fails_the_session_with_its_last_words() {
    let engine = Engine::start().await;
    let project = plain_project(&engine).await;
    let words = ["bash", "-c", "echo 'no licence found'; exit 3"];
    let id = engine.client.command(project.id, &words).await.id;
    let ended = engine.client.ended(id).await;
    let Status::Failed { failure } = ended.status else {
        panic!("{:?}", ended.status)
    };
    assert_eq!(failure.code, Code::SpawnFailed);
    assert!(failure.detail.contains("no licence found"), "{failure:?}");
    assert!(failure.detail.contains('3'), "{failure:?}");
    assert!(
        engine
            .client
            .screen(id)
            .await
            .text
            .contains("no licence found")
    );
    let good = engine.client.command(project.id, &["true"]).await.id;
    let good = engine.client.ended(good).await;
    assert_eq!(
        good.status,
        Status::Exited {
            code: Some(0),
            signal: None
        }
    );
}

#[tokio::test]
async fn a_program_that_is_killed_tells_the_signal() {
    let engine = Engine::start().await;
    let project = plain_project(&engine).await;
    let id = engine.client.shell(project.id).await.id;
    engine.client.input(id, "kill -KILL $$\r").await.unwrap();
    let ended = engine.client.ended(id).await;
    assert_eq!(
        ended.status,
        Status::Exited {
            code: None,
            signal: Some("SIGKILL".to_owned())
        }
    );
}

#[tokio::test]
async fn flooding_programs_leave_the_engine_responsive_and_bounded() {
    // More than the engine has threads on a small machine: each could keep one for itself.
    const FLOODS: usize = 4;
    let engine = Engine::start().await;
    let project = plain_project(&engine).await;
    let other = engine.client.shell(project.id).await;
    let mut viewer = engine.client.view(other.id).await;
    let before = processes::memory(engine.pid());
    let mut floods = Vec::new();
    for _ in 0..FLOODS {
        let words = ["yes", "a line of the flood"];
        floods.push(engine.client.command(project.id, &words).await.id);
    }
    let mut stalled = engine.client.view(floods[0]).await;
    stalled.stall();
    stalled.sees("a line of the flood").await;

    let began = Instant::now();
    for round in 0..10 {
        let health = engine.client.bare(Method::GET, "/health");
        engine.client.send(health).await.unwrap();
        viewer.type_in(&format!("echo roun''d-{round}\r")).await;
        viewer.sees(&format!("round-{round}")).await;
    }
    let took = began.elapsed();
    assert!(took < Duration::from_secs(20), "ten rounds took {took:?}");
    let grown = processes::memory(engine.pid()).saturating_sub(before);
    assert!(grown < 300 * 1024, "the engine grew by {grown} KiB");

    for id in floods {
        assert!(engine.client.session(id).await.status.is_live());
        let began = Instant::now();
        engine.client.stop(id).await;
        let took = began.elapsed();
        assert!(took < STOP_LIMIT, "stopping took {took:?}");
        let left = processes::with("BERTH_SESSION_ID", id.to_string());
        assert_eq!(left, Vec::<u32>::new());
    }
}

#[tokio::test]
async fn invalid_utf8_is_shown_and_recorded_as_far_as_it_can_be() {
    let engine = Engine::start().await;
    let project = plain_project(&engine).await;
    let words = ["bash", "-c", r"printf 'a\xff\xfe\xc3b\xe2\x82end\n'; read"];
    let id = engine.client.command(project.id, &words).await.id;
    let mut viewer = engine.client.view(id).await;
    viewer.sees("end").await;
    let screen: Screen = engine.client.screen(id).await;
    assert!(
        screen.text.starts_with('a') && screen.text.contains("end"),
        "{screen:?}"
    );
    engine.client.stop(id).await;
    let recording = engine.client.recording(id).await.unwrap();
    for line in recording.lines().skip(1) {
        serde_json::from_str::<(f64, String, String)>(line).unwrap();
    }
    assert!(recording.contains("end"));
    assert!(engine.client.screen(id).await.text.contains("end"));
}

#[tokio::test]
async fn a_program_that_ignores_being_asked_is_killed_in_time() {
    let engine = Engine::start().await;
    let project = plain_project(&engine).await;
    let script = "trap '' TERM HUP INT QUIT; echo dea''f; while :; do sleep 100; done";
    let id = engine
        .client
        .command(project.id, &["bash", "-c", script])
        .await
        .id;
    engine.client.view(id).await.sees("deaf").await;
    let began = Instant::now();
    let stopped = engine.client.stop(id).await;
    assert!(
        began.elapsed() < STOP_LIMIT,
        "it took {:?}",
        began.elapsed()
    );
    let killed = Status::Exited {
        code: None,
        signal: Some("SIGKILL".to_owned()),
    };
    assert_eq!(stopped.status, killed);
}

// Disk and ports.

/// A small file system of its own, if one can be mounted.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount(size: &str) -> Option<Self> {
        let folder = berth_tests::programs::folder();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "none"])
            .arg(folder.path())
            .stderr(std::process::Stdio::null())
            .status();
        mounted
            .is_ok_and(|status| status.success())
            .then(|| Self(folder))
    }

    /// Takes all the space that is left.
    fn fill(&self) -> PathBuf {
        use std::io::Write;
        let path = self.0.path().join("ballast");
        let mut file = fs::File::create(&path).expect("the ballast can be made");
        while file.write_all(&[1; 4096]).is_ok() {}
        while file.write_all(&[1; 1]).is_ok() {}
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("-l").arg(self.0.path()).status();
        assert!(
            unmounted.is_ok_and(|status| status.success()),
            "the small disk stays mounted"
        );
    }
}

#[tokio::test]
async fn a_full_disk_is_told_and_loses_nothing_that_was_acknowledged() {
    let Some(disk) = SmallDisk::mount("12m") else {
        return skip(
            &this_test(),
            "a tmpfs cannot be mounted here: it needs Linux and root",
        );
    };
    let setup = Setup::new().data_dir(&disk.0.path().join("data"));
    let mut engine = setup.start().await;
    let project = plain_project(&engine).await;
    let id = engine.client.shell(project.id).await.id;
    engine.client.chat(id, "echo bef''ore").await.unwrap();
    engine.client.message_with(id, Role::Agent, "before").await;
    engine.client.waiting(id).await;

    let ballast = disk.fill();
    // What is allocated already may take a few changes more.
    let mut kept = 0;
    let refused = loop {
        let path = folder(&engine, &format!("extra-{kept}"));
        match engine.client.try_add_project(&path).await {
            Ok(_) => kept += 1,
            Err(refused) => break refused,
        }
        assert!(kept < 500, "the disk is never full");
    };
    assert_eq!(refused.code, Code::StoreFull, "{refused:?}");
    assert_eq!(refused.status, 507);
    let listed = async |engine: &Engine| {
        let listed: serde_json::Value = engine.client.get("/projects").await.unwrap();
        listed["projects"].as_array().unwrap().len()
    };
    assert_eq!(
        listed(&engine).await,
        kept + 1,
        "what was acknowledged is still served"
    );
    let words = engine.client.messages(id).await;
    assert!(words.iter().any(|message| message.content == "before"));
    let terminal = engine.client.input(id, "echo st''ill\r").await;
    assert!(terminal.is_ok(), "the terminal goes on: {terminal:?}");
    engine.client.view(id).await.sees("still").await;

    fs::remove_file(ballast).unwrap();
    let after = engine.client.add_project(&folder(&engine, "after")).await;
    assert_eq!(after.name, "after");
    engine.client.assert_audit_valid().await;
    engine.client.stop(id).await;
    engine.restart().await;
    assert_eq!(listed(&engine).await, kept + 2);
    engine.client.assert_audit_valid().await;
    engine.stop().await;
}

#[tokio::test]
async fn a_taken_port_is_told_by_its_number() {
    let holder = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = holder.local_addr().unwrap().port().to_string();
    let setup = Setup::new();
    let output = setup.berth(&["serve", "--announce", "--port", &port]).await;
    assert_eq!(output.status.code(), Some(1));
    let told = said(&output);
    assert!(told.contains(&port) && told.contains("--port"), "{told}");
    assert!(
        told.contains(Code::PortTaken.as_str()),
        "the log has the code: {told}"
    );
    assert!(output.stdout.is_empty(), "nothing is announced");
    drop(holder);
    let engine = setup.argument("--port").argument(&port).start().await;
    assert!(engine.client.endpoint().url.ends_with(&format!(":{port}")));
}

#[tokio::test]
async fn a_second_engine_on_the_same_data_leaves_the_first_alone() {
    let engine = Engine::start().await;
    let output = engine.setup().berth(&["serve", "--announce"]).await;
    assert_eq!(output.status.code(), Some(3));
    let told = said(&output);
    assert!(told.contains("another engine is using"), "{told}");
    assert!(told.contains("berth stop"), "it says what to do: {told}");
    plain_project(&engine).await;
    let status = engine.setup().berth(&["status"]).await;
    assert!(
        status.status.success(),
        "the endpoint file is still the first one's"
    );
}

// Requests.

#[tokio::test]
async fn only_who_has_the_token_may_ask() {
    let engine = Engine::start().await;
    let client = &engine.client;
    let token = &client.endpoint().token;
    let wrong = [
        None,
        Some("Bearer ".to_owned()),
        Some(format!("Bearer {}", &token[1..])),
        Some(format!("Bearer {token}0")),
        Some(format!("Basic {token}")),
        Some(token.clone()),
    ];
    for path in [
        "/api/v1/projects",
        "/api/v1/events",
        "/api/v1/nothing",
        "/api/v1",
    ] {
        for header in &wrong {
            let mut request = client.bare(Method::GET, path);
            if let Some(header) = header {
                request = request.header("authorization", header);
            }
            if path == "/api/v1" {
                // Below it is where everything is; itself it is nothing.
                assert!(client.send(request).await.is_err());
                continue;
            }
            let refused = client.send(request).await.unwrap_err();
            assert_eq!(refused.code, Code::Unauthorized, "{path} {header:?}");
            assert!(!refused.detail.contains(token.as_str()));
        }
    }
    let id = SessionId(uuid());
    let terminal = client
        .bare(Method::GET, &format!("/api/v1/sessions/{id}/terminal"))
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("sec-websocket-protocol", "berth.terminal.v1, bearer.wrong");
    assert_eq!(
        client.send(terminal).await.unwrap_err().code,
        Code::Unauthorized
    );
}

#[tokio::test]
async fn requests_to_other_names_and_from_other_pages_are_refused() {
    let engine = Engine::start().await;
    let client = &engine.client;
    let url = client.endpoint().url.clone();
    let port = url.rsplit(':').next().unwrap();
    for path in ["/api/v1/projects", "/health", "/", "/openapi.json"] {
        for host in [
            "evil.example",
            &format!("evil.example:{port}"),
            "127.0.0.1.evil.example",
            "127.0.0.1:1",
        ] {
            let request = client
                .bare(Method::GET, path)
                .bearer_auth(&client.endpoint().token);
            let refused = client.send(request.header("host", host)).await.unwrap_err();
            assert_eq!(refused.code, Code::HostRefused, "{path} {host}");
        }
        for origin in [
            "http://evil.example",
            "null",
            "http://127.0.0.1:1",
            &format!("https://127.0.0.1:{port}"),
        ] {
            let request = client
                .bare(Method::GET, path)
                .bearer_auth(&client.endpoint().token);
            let refused = client
                .send(request.header("origin", origin))
                .await
                .unwrap_err();
            assert_eq!(refused.code, Code::OriginRefused, "{path} {origin}");
        }
    }
    let own = client
        .request(Method::GET, "/projects")
        .header("origin", &url);
    let answer = client.send(own).await.unwrap();
    assert_eq!(
        answer.headers()["access-control-allow-origin"],
        url.as_str()
    );
    let preflight = client
        .bare(Method::OPTIONS, "/api/v1/projects")
        .header("origin", "http://evil.example")
        .header("access-control-request-method", "POST");
    assert_eq!(
        client.send(preflight).await.unwrap_err().code,
        Code::OriginRefused
    );
}

#[tokio::test]
async fn bodies_that_are_not_as_they_must_be_are_refused() {
    let engine = Engine::start().await;
    let client = &engine.client;
    let post = |body: &str| {
        client
            .request(Method::POST, "/projects")
            .header("content-type", "application/json")
            .body(body.to_owned())
    };
    for body in [
        "",
        "{",
        "[]",
        "null",
        "{\"path\": 1}",
        "{}",
        "{\"path\":\"/\",\"more\":1}",
    ] {
        let refused = client.send(post(body)).await.unwrap_err();
        assert_eq!(refused.code, Code::BadRequest, "{body}: {refused:?}");
    }
    let unknown = client
        .send(post("{\"path\":\"/\",\"more\":1}"))
        .await
        .unwrap_err();
    assert!(
        unknown.detail.contains("more"),
        "it names the unknown field: {unknown:?}"
    );
    let text = client.request(Method::POST, "/projects").body("{}");
    let text = text.header("content-type", "text/plain");
    assert_eq!(
        client.send(text).await.unwrap_err().code,
        Code::UnsupportedMediaType
    );
    // One byte too many, so that the engine has read it all when it refuses.
    let large = " ".repeat(2 * 1024 * 1024 + 1);
    assert_eq!(
        client.send(post(&large)).await.unwrap_err().code,
        Code::BodyTooLarge
    );
    for name in ["", "   ", &"x".repeat(101), "two\nlines", "bell\u{7}"] {
        let path = engine.setup().folder().to_str().unwrap().to_owned();
        let request = CreateProject {
            path,
            name: Some(name.to_owned()),
        };
        let refused = client
            .post::<Project>("/projects", &request)
            .await
            .unwrap_err();
        assert_eq!(refused.code, Code::BadRequest, "{name:?}");
    }
    assert_eq!(client.audit().await, [], "nothing has happened");
}

fn uuid() -> uuid::Uuid {
    uuid::Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001)
}

#[tokio::test]
async fn what_does_not_exist_has_a_code_of_its_kind() {
    let engine = Engine::start().await;
    let client = &engine.client;
    let (project, session_id) = (ProjectId(uuid()), SessionId(uuid()));
    let code = async |method: Method, path: &str| {
        let refused = client.send(client.request(method, path)).await;
        refused.expect_err(path).code
    };
    for path in [
        format!("/projects/{project}"),
        format!("/projects/{project}/branches"),
    ] {
        assert_eq!(
            code(Method::GET, &path).await,
            Code::ProjectNotFound,
            "{path}"
        );
    }
    assert_eq!(
        code(Method::DELETE, &format!("/projects/{project}")).await,
        Code::ProjectNotFound
    );
    let refused = client
        .try_start(&session(project, "shell"))
        .await
        .unwrap_err();
    assert_eq!(refused.code, Code::ProjectNotFound);
    for below in [
        "",
        "/work",
        "/screen",
        "/messages",
        "/recording",
        "/diff",
        "/diff/file?path=x",
    ] {
        let path = format!("/sessions/{session_id}{below}");
        assert_eq!(
            code(Method::GET, &path).await,
            Code::SessionNotFound,
            "{path}"
        );
    }
    for below in ["/interrupt", "/stop", "/restart", "/archive", "/restore"] {
        let path = format!("/sessions/{session_id}{below}");
        assert_eq!(
            code(Method::POST, &path).await,
            Code::SessionNotFound,
            "{path}"
        );
    }
    let stream = format!("/chat/stream?session_id={session_id}");
    assert_eq!(code(Method::GET, &stream).await, Code::SessionNotFound);
    let chat = client.chat(session_id, "hello").await.unwrap_err();
    assert_eq!(chat.code, Code::SessionNotFound);
    let delete = client
        .delete(&format!("/sessions/{session_id}"))
        .await
        .unwrap_err();
    assert_eq!(delete.code, Code::SessionNotFound);
    for path in ["/nothing", "/sessions/x/y/z"] {
        assert_eq!(code(Method::GET, path).await, Code::NotFound, "{path}");
    }
    for path in [
        "/projects/not-a-uuid",
        "/sessions/not-a-uuid",
        "/audit?after=x",
    ] {
        assert_eq!(code(Method::GET, path).await, Code::BadRequest, "{path}");
    }
    for (method, path) in [
        (Method::DELETE, "/projects"),
        (Method::GET, "/chat"),
        (Method::PUT, "/agents"),
    ] {
        assert_eq!(code(method, path).await, Code::MethodNotAllowed, "{path}");
    }
    let page = client.bare(Method::POST, "/").send().await.unwrap();
    assert_eq!(problem(page).await.code, Code::NotFound);
}

#[tokio::test]
async fn a_session_that_cannot_be_started_as_asked_is_refused() {
    let engine = Engine::start().await;
    let project = plain_project(&engine).await;
    let shell = || session(project.id, "shell");
    let refused = async |request: CreateSession| {
        engine
            .client
            .try_start(&request)
            .await
            .expect_err("it is refused")
            .code
    };
    let mode = CreateSession {
        permission_mode: Some("yolo".to_owned()),
        ..shell()
    };
    assert_eq!(refused(mode).await, Code::PermissionModeUnknown);
    let acp = CreateSession {
        transport: Some(Transport::Acp),
        ..shell()
    };
    assert_eq!(refused(acp).await, Code::TransportUnsupported);
    for message in ["", " \n ", "\u{7}"] {
        let empty = CreateSession {
            message: Some(message.to_owned()),
            ..shell()
        };
        assert_eq!(refused(empty).await, Code::BadRequest, "{message:?}");
    }
    let long = CreateSession {
        message: Some("x".repeat(256 * 1024 + 1)),
        ..shell()
    };
    assert_eq!(refused(long).await, Code::BodyTooLarge);
    let title = CreateSession {
        title: Some("x".repeat(201)),
        ..shell()
    };
    assert_eq!(refused(title).await, Code::BadRequest);
    let name = json!({"project_id": project.id, "agent": "No Agent!"});
    let name = engine
        .client
        .post::<Session>("/sessions", &name)
        .await
        .unwrap_err();
    assert_eq!(name.code, Code::BadRequest);
    assert_eq!(
        engine.client.sessions().await,
        [],
        "none of them left a session"
    );
}

#[tokio::test]
async fn a_session_that_does_not_take_it_refuses_a_message() {
    let engine = Engine::start().await;
    let project = plain_project(&engine).await;
    let id = engine.client.shell(project.id).await.id;
    for empty in ["", "   \n\t", "\u{1b}"] {
        let refused = engine.client.chat(id, empty).await.unwrap_err();
        assert_eq!(refused.code, Code::BadRequest, "{empty:?}");
    }
    let approval = Approval {
        attention_id: "1-1".to_owned(),
        option_id: "1".to_owned(),
    };
    let path = format!("/sessions/{id}/approval");
    let refused = engine.client.tell(&path, &approval).await.unwrap_err();
    assert_eq!(refused.code, Code::AttentionGone);

    engine.client.chat(id, "sleep 1000").await.unwrap();
    let busy = engine
        .client
        .session_until(id, "works", |s| s.status == Status::Running);
    busy.await;
    assert_eq!(
        engine.client.chat(id, "echo hi").await.unwrap_err().code,
        Code::SessionBusy
    );
    engine.client.interrupt(id).await.unwrap();
    engine.client.waiting(id).await;
    engine.client.stop(id).await;
    for refused in [
        engine.client.chat(id, "echo hi").await.map(drop),
        engine.client.input(id, "x").await,
        engine.client.interrupt(id).await,
    ] {
        assert_eq!(refused.unwrap_err().code, Code::SessionEnded);
    }
    let diff = engine
        .client
        .get::<DiffPage>(&format!("/sessions/{id}/diff"))
        .await;
    assert_eq!(
        diff.unwrap_err().code,
        Code::NotARepository,
        "a plain folder has no base"
    );
}

#[tokio::test]
async fn control_characters_in_a_message_press_no_keys() {
    let engine = Engine::start().await;
    let project = plain_project(&engine).await;
    // A program that shows every byte it gets, and that a real Ctrl-C would end.
    let script = "printf '\\e[?2004h'; stty -icanon -echo; echo rea''dy; exec cat -v";
    let id = engine
        .client
        .command(project.id, &["bash", "-c", script])
        .await
        .id;
    let mut viewer = engine.client.view(id).await;
    viewer.sees("ready").await;
    engine.client.waiting(id).await;
    let message = "one\u{1b}[201~\u{3}\u{4}\u{1a}two";
    let request = ChatRequest {
        session_id: id,
        content: message.to_owned(),
    };
    // Whether the program shows it as an agent would is not the question.
    let _ = engine
        .client
        .post::<serde_json::Value>("/chat", &request)
        .await;
    viewer.sees("two").await;
    let drawn = viewer.drawn();
    assert!(drawn.contains("^[[200~one[201~two^[[201~"), "{drawn:?}");
    assert!(!drawn.contains("^C") && !drawn.contains("^D"), "{drawn:?}");
    assert!(
        engine.client.session(id).await.status.is_live(),
        "the program goes on"
    );
}
