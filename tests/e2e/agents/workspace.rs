//! An agent works in its session's workspace, and nowhere else.

use std::path::{Path, PathBuf};

use berth_protocol::Transport;

use crate::Stage;

/// What is made, without saying in which folder.
const MADE: &str = "where.txt";

/// The files of this name below a folder.
fn named(folder: &Path, name: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        // What an agent clears away meanwhile is not there any more.
        for entry in folder.read_dir().into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() && !path.is_symlink() {
                open.push(path);
            } else if entry.file_name() == name {
                found.push(path);
            }
        }
    }
    found
}

impl Stage {
    /// A name without a folder is one in the workspace. The message has the agent make a file of it, which it
    /// asks for.
    async fn works_in_its_workspace(&self, message: &str) {
        let client = &self.engine.client;
        let session = self.start().await;
        let sent = client.chat(session.id, message).await;
        sent.expect("the agent takes the message");
        let attention = self.asks(session.id).await;
        assert!(attention.options.len() >= 2, "{attention:?}");
        let answered = client.answer(session.id, &attention.id, &attention.options[0].id);
        answered.await.expect("it is done");
        self.waiting(session.id).await;
        let workspace = Path::new(&session.workspace.path).canonicalize();
        let workspace = workspace.expect("the workspace is there");
        assert_eq!(
            named(self.engine.setup().folder(), MADE),
            [workspace.join(MADE)],
            "{attention:?} was answered; the screen:\n{}",
            client.screen(session.id).await.text
        );
    }
}

tests! {
    Pty:
    claude_works_in_its_workspace: "claude" => works_in_its_workspace("run: echo here > where.txt");
    codex_works_in_its_workspace: "codex" => works_in_its_workspace("run: echo here > where.txt");
    gemini_works_in_its_workspace: "gemini" => works_in_its_workspace("run: echo here > where.txt");
    opencode_works_in_its_workspace:
        "opencode" => works_in_its_workspace("run: echo here > where.txt");
    goose_works_in_its_workspace: "goose" => works_in_its_workspace("run: echo here > where.txt");
    droid_works_in_its_workspace: "droid" => works_in_its_workspace("run: echo here > where.txt");
    // It runs no commands with the edit format of a model that it does not know.
    aider_works_in_its_workspace:
        "aider" => works_in_its_workspace("say: where.txt\\n```\\nhere\\n```");
}
