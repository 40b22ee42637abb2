//! Files that a session is handed.

use std::{
    fs,
    path::{Path, PathBuf},
};

use berth_protocol::{Code, Role, Session, SessionId, UPLOAD_LIMIT};
use berth_tests::{Engine, file_form};
use reqwest::{Body, Method};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::{folder, repository};

/// Where the files of a session are.
fn place(engine: &Engine, id: SessionId) -> PathBuf {
    let private = engine.data_dir().join("private");
    private.join(id.to_string()).join("uploads")
}

/// The names of these files.
fn names(engine: &Engine, id: SessionId) -> Vec<String> {
    let Ok(entries) = fs::read_dir(place(engine, id)) else {
        return Vec::new();
    };
    let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
    let mut names: Vec<String> = entries.flatten().map(name).collect();
    names.sort();
    names
}

/// A shell in a folder that is no repository.
async fn shell(engine: &Engine) -> Session {
    let project = engine.client.add_project(&folder(engine, "plain")).await;
    engine.client.shell(project.id).await
}

#[tokio::test]
async fn a_file_arrives_byte_for_byte_where_the_agent_reads_it_and_the_workspace_stays_clean() {
    let engine = Engine::start().await;
    let client = &engine.client;
    let project = client.add_project(&repository(&engine).path).await;
    let session = client.shell(project.id).await;
    let mut content: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    content.extend_from_slice(b"\r\n--berth-tests-par\r\n--\r\n\r\n");
    let given = client.upload(session.id, "all bytes.bin", &content).await;
    let given = given.unwrap();
    let digest: String = Sha256::digest(&content)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(given.name, "all-bytes.bin");
    assert_eq!(given.size, content.len() as u64);
    assert_eq!(given.sha256, digest);
    let path = Path::new(&given.path);
    assert!(path.is_absolute());
    assert_eq!(path, place(&engine, session.id).join("all-bytes.bin"));
    assert!(fs::read(path).unwrap() == content, "the content is another");

    let words = client.upload(session.id, "words.txt", b"from-the-file\n");
    let words = words.await.unwrap();
    let read = format!("cat {}", words.path);
    client.chat(session.id, &read).await.unwrap();
    let reply = client.message_with(session.id, Role::Agent, "from-the-file");
    reply.await;
    let worktree = Path::new(&session.workspace.path);
    assert_eq!(berth_tests::git(worktree, &["status", "--porcelain"]), "");
    assert_eq!(client.diff(session.id).await.files, []);
    assert!(client.work(session.id).await.is_empty());
}

#[tokio::test]
async fn the_trail_tells_of_a_file_by_name_size_and_hash_and_not_what_is_in_it() {
    let engine = Engine::start().await;
    let session = shell(&engine).await;
    let given = engine.client.upload(session.id, "a.txt", b"classified");
    let given = given.await.unwrap();
    let trail = engine.client.audit().await;
    let told: Vec<_> = trail
        .iter()
        .filter(|event| event.action == "session.uploaded")
        .collect();
    assert_eq!(told.len(), 1, "{trail:?}");
    assert_eq!(told[0].session_id, Some(session.id));
    let details = json!({"name": "a.txt", "size": 10, "sha256": given.sha256});
    assert_eq!(told[0].details, details);
    assert!(!format!("{trail:?}").contains("classified"));
    engine.client.assert_audit_valid().await;
}

#[tokio::test]
async fn no_name_leads_out_of_the_folder_or_hides_what_it_is() {
    let engine = Engine::start().await;
    let client = &engine.client;
    let id = shell(&engine).await.id;
    let long = format!("{}.txt", "x".repeat(5000));
    for (given, plain) in [
        ("../../../escape.txt", "escape.txt"),
        ("/etc/passwd", "passwd"),
        ("C:\\Windows\\win.ini", "win.ini"),
        ("D:drive.txt", "D-drive.txt"),
        ("..", "file"),
        ("", "file-2"),
        (".", "file-3"),
        ("nul.txt", "_nul.txt"),
        ("COM1", "_COM1"),
        ("a.txt:stream", "a.txt-stream"),
        ("invoice\u{202e}fdp.exe", "invoice-fdp.exe"),
        ("zero\u{200b}width.txt", "zero-width.txt"),
        ("a;b c$(d).txt", "a-b-c--d-.txt"),
        ("Übersicht 報告.pdf", "Übersicht-報告.pdf"),
        ("-rf", "rf"),
    ] {
        let kept = client.upload(id, given, given.as_bytes()).await.unwrap();
        assert_eq!(kept.name, plain, "{given:?}");
        let path = place(&engine, id).join(plain);
        assert_eq!(Path::new(&kept.path), path, "{given:?}");
        assert_eq!(fs::read(path).unwrap(), given.as_bytes(), "{given:?}");
    }
    let kept = client.upload(id, &long, b"long").await.unwrap();
    assert!(kept.name.len() <= 120 && kept.name.ends_with("x.txt"));
    assert_eq!(fs::read(&kept.path).unwrap(), b"long");
    let before = names(&engine, id);
    assert_eq!(before.len(), 16, "{before:?}");
    // A form cannot have it (RFC 9110, section 5.5).
    let refused = client.upload(id, "a\0b.txt", b"x").await.unwrap_err();
    assert_eq!(refused.code, Code::BadRequest);
    assert_eq!(names(&engine, id), before);
}

#[tokio::test]
async fn no_file_takes_the_place_of_another() {
    let engine = Engine::start().await;
    let client = &engine.client;
    let id = shell(&engine).await.id;
    let all = (0..8).map(|number: u8| async move {
        let content = [number];
        let kept = client.upload(id, "image.png", &content).await.unwrap();
        (kept.path, content)
    });
    let kept = futures::future::join_all(all).await;
    for (path, content) in &kept {
        assert_eq!(fs::read(path).unwrap(), content, "{path}");
    }
    let found = names(&engine, id);
    assert_eq!(found.len(), kept.len(), "{found:?}");
    assert!(found.contains(&"image.png".to_owned()), "{found:?}");
    assert!(found.contains(&"image-8.png".to_owned()), "{found:?}");
}

#[tokio::test]
async fn what_is_too_large_is_refused_however_it_is_sent() {
    let engine = Engine::start().await;
    let client = &engine.client;
    let id = shell(&engine).await.id;
    let largest = vec![b'x'; UPLOAD_LIMIT];
    let kept = client.upload(id, "largest", &largest).await.unwrap();
    assert_eq!(kept.size, UPLOAD_LIMIT as u64);
    for more in [1, 2 * 1024 * 1024] {
        let content = vec![b'x'; UPLOAD_LIMIT + more];
        let refused = client.upload(id, "larger", &content).await.unwrap_err();
        assert_eq!(refused.code, Code::BodyTooLarge, "{more} with its length");
        let form = file_form("larger", &content);
        let chunks: Vec<_> = form
            .chunks(64 * 1024)
            .map(|chunk| Ok::<_, std::io::Error>(chunk.to_vec()))
            .collect();
        let body = Body::wrap_stream(futures::stream::iter(chunks));
        let refused = client.send(client.form(id, body)).await.unwrap_err();
        assert_eq!(refused.code, Code::BodyTooLarge, "{more} in chunks");
    }
    assert_eq!(names(&engine, id), ["largest"]);
}

#[tokio::test]
async fn nothing_is_kept_for_a_session_that_does_not_run_or_for_a_stranger() {
    let engine = Engine::start().await;
    let client = &engine.client;
    let session = shell(&engine).await;
    let id = session.id;
    let path = format!("/api/v1/sessions/{id}/upload");
    let stranger = client.bare(Method::POST, &path);
    let stranger = stranger
        .header("content-type", "multipart/form-data; boundary=b")
        .body("--b--");
    let refused = client.send(stranger).await.unwrap_err();
    assert_eq!(refused.code, Code::Unauthorized);
    let nobody: SessionId = "00000000-0000-7000-8000-000000000000".parse().unwrap();
    let refused = client.upload(nobody, "a.txt", b"x").await.unwrap_err();
    assert_eq!(refused.code, Code::SessionNotFound);
    assert!(!place(&engine, nobody).exists());
    for body in [
        "",
        "--b--\r\n",
        "--b\r\ncontent-disposition: form-data; name=\"other\"\r\n\r\nx\r\n--b--\r\n",
    ] {
        let request = client.request(Method::POST, &format!("/sessions/{id}/upload"));
        let request = request.header("content-type", "multipart/form-data; boundary=b");
        let refused = client.send(request.body(body)).await.unwrap_err();
        assert_eq!(refused.code, Code::BadRequest, "{body:?}");
    }
    let request = client.request(Method::POST, &format!("/sessions/{id}/upload"));
    let refused = client.send(request.json(&json!({}))).await.unwrap_err();
    assert_eq!(refused.code, Code::BadRequest, "no form");

    client.stop(id).await;
    let refused = client.upload(id, "a.txt", b"x").await.unwrap_err();
    assert_eq!(refused.code, Code::SessionEnded);
    let archive = format!("/sessions/{id}/archive");
    client.act::<Session>(&archive).await.unwrap();
    let refused = client.upload(id, "a.txt", b"x").await.unwrap_err();
    assert_eq!(refused.code, Code::SessionArchived);
    assert_eq!(names(&engine, id), [""; 0]);
    let told = client.audit().await;
    assert!(!told.iter().any(|it| it.action == "session.uploaded"));
}

#[tokio::test]
async fn a_file_outlives_the_runs_of_its_session_and_goes_with_the_session() {
    let engine = Engine::start().await;
    let client = &engine.client;
    let id = shell(&engine).await.id;
    let kept = client.upload(id, "a.txt", b"content").await.unwrap();
    let restart = format!("/sessions/{id}/restart");
    client.act::<Session>(&restart).await.unwrap();
    assert_eq!(fs::read(&kept.path).unwrap(), b"content");
    let second = client.upload(id, "a.txt", b"other").await.unwrap();
    assert_eq!(second.name, "a-2.txt");
    client.stop(id).await;
    assert_eq!(fs::read(&kept.path).unwrap(), b"content");
    client.delete(&format!("/sessions/{id}")).await.unwrap();
    let private = engine.data_dir().join("private").join(id.to_string());
    assert!(!private.exists(), "something stays of {}", kept.path);
}
