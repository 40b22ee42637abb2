//! The effective prompt of a session reaches its agent's provider word for word, at each start.

use berth_model_server::TurnKind;
use berth_protocol::{
    Beginning, PromptDraft, PromptFormat, SessionId, SessionPrompt, SystemPrompt, Transport,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{PATIENCE, Stage};

/// Words that are easily damaged on the way.
const HOUSE: &str = "You work in {{ project }} for {{.UserName}}.\n\n```rust\nlet a = \"`b` > 'c' | $HOME \\\\n\";\n\
    ```\n<rules>\n\t- Grüße, 日本語, עברית, 🦀\n</rules>\n{% raw %}{{ as it stands }}{% endraw %} 100 %";

const SECOND: &str = "Answer in the style of Kilimanjaro.";

/// All texts in a value.
fn texts<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(all) => all.iter().for_each(|value| texts(value, found)),
        Value::Object(all) => all.values().for_each(|value| texts(value, found)),
        _ => {}
    }
}

impl Stage {
    async fn effective(&self, id: SessionId) -> SessionPrompt {
        let path = format!("/sessions/{id}/effective-prompt");
        self.engine.client.get(&path).await.expect("it is told")
    }

    /// The provider is told the whole effective prompt in one piece with this message.
    async fn gets_it_with(&self, id: SessionId, message: &str) {
        let words = message.strip_prefix("say: ").expect("it is answered so");
        assert_eq!(self.exchange(id, message).await, words);
        let asked = self.model.wait_for(PATIENCE, |request| {
            request.kind == Some(TurnKind::Message) && request.body.to_string().contains(message)
        });
        let body = asked.await.expect("the agent asks its provider").body;
        let mut found = Vec::new();
        texts(&body, &mut found);
        let told = self.effective(id).await;
        assert_eq!(told.undelivered, None);
        // Some agents take the white space at its end away.
        let wanted = told.effective.text.trim_end();
        assert!(!wanted.is_empty());
        assert!(
            found.iter().any(|text| text.contains(wanted)),
            "{} did not get\n{wanted}\nbut\n{body:#}",
            self.agent
        );
    }

    /// It works all the same, and nobody is made to believe that it has them.
    async fn is_given_none(&self) {
        let prompt = PromptDraft {
            name: "Second".to_owned(),
            content: SECOND.to_owned(),
            enabled: true,
            ..PromptDraft::default()
        };
        let client = &self.engine.client;
        let added = client.post::<SystemPrompt>("/prompts", &prompt).await;
        added.expect("it is taken");
        let session = self.start().await;
        assert_eq!(self.exchange(session.id, "say: One.").await, "One.");
        let why = self.effective(session.id).await.undelivered;
        let why = why.expect("it is told");
        assert!(why.contains("takes no instructions"), "{why}");
    }

    pub async fn is_given_its_prompts(&self) {
        let client = &self.engine.client;
        let house = PromptDraft {
            name: "House".to_owned(),
            format: PromptFormat::Template,
            content: HOUSE.to_owned(),
            enabled: true,
            ..PromptDraft::default()
        };
        let house: SystemPrompt = client.post("/prompts", &house).await.expect("it is taken");
        let session = self.start().await;
        let told = self.effective(session.id).await;
        assert!(told.effective.text.contains("\n{{ as it stands }} 100 %"));
        self.gets_it_with(session.id, "say: One.").await;

        let second = PromptDraft {
            name: "Second".to_owned(),
            content: SECOND.to_owned(),
            enabled: true,
            priority: 10,
            ..PromptDraft::default()
        };
        let second = client.post::<SystemPrompt>("/prompts", &second).await;
        second.expect("it is taken");
        let edit = json!({"version": 1, "prompt": PromptDraft {
            content: "You work.".to_owned(), ..house.draft()
        }});
        let path = format!("/prompts/{}", house.id);
        let edited = client.value::<SystemPrompt>(client.request(Method::PUT, &path).json(&edit));
        edited.await.expect("it is taken");
        let told = self.effective(session.id).await;
        let changed = told.changed.as_ref().expect("it has changed");
        assert!(changed.patch.contains(SECOND));
        // The conversation goes on, with the new words, unless it keeps those that it began with.
        if told.wants_new_conversation {
            self.restart(session.id, None).await;
            self.waiting(session.id).await;
            self.gets_it_with(session.id, "say: Still old.").await;
            let told = self.effective(session.id).await;
            assert!(told.changed.is_some(), "that is still told");
            client.stop(session.id).await;
            self.restart(session.id, Some(Beginning::New)).await;
        } else {
            self.restart(session.id, None).await;
        }
        self.waiting(session.id).await;
        let told = self.effective(session.id).await;
        assert_eq!(told.changed, None);
        self.gets_it_with(session.id, "say: Two.").await;
        client.assert_audit_valid().await;
    }
}

tests! {
    Pty:
    claude_is_given_its_prompts_word_for_word: "claude" => is_given_its_prompts();
    codex_is_given_its_prompts_word_for_word: "codex" => is_given_its_prompts();
    gemini_is_given_its_prompts_word_for_word: "gemini" => is_given_its_prompts();
    opencode_is_given_its_prompts_word_for_word: "opencode" => is_given_its_prompts();
    goose_is_given_its_prompts_word_for_word: "goose" => is_given_its_prompts();
    droid_is_given_its_prompts_word_for_word: "droid" => is_given_its_prompts();
    aider_is_given_its_prompts_word_for_word: "aider" => is_given_its_prompts();
}

tests! {
    Acp:
    claude_over_acp_is_given_its_prompts_word_for_word: "claude" => is_given_its_prompts();
    codex_over_acp_is_given_its_prompts_word_for_word: "codex" => is_given_its_prompts();
    gemini_over_acp_is_given_its_prompts_word_for_word: "gemini" => is_given_its_prompts();
    opencode_over_acp_is_given_its_prompts_word_for_word: "opencode" => is_given_its_prompts();
    goose_over_acp_is_given_its_prompts_word_for_word: "goose" => is_given_its_prompts();
    droid_over_acp_is_given_none_and_that_is_told: "droid" => is_given_none();
}
