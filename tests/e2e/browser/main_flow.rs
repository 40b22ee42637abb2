//! From the first run to the changes, with real agents, and what is left when the engine dies.

use berth_tests::webdriver::{Page, id};

use crate::stage::{Agent, Stage, add_project, start_session};

/// What the user says in the composer, and what the agent answers: words that do not stand in the message.
const LATER: &str = "Well done";
const LATER_REPLY: &str = "You said: Well done";

/// What an agent is told first, which it asks about, and what comes of it.
struct Play {
    agent: Agent,
    message: &'static str,
    /// Words of its own, which do not stand in the message.
    reply: &'static str,
    /// What it makes, with the word "one" in it. Its question names it.
    file: &'static str,
}

#[tokio::test]
async fn claude_works_from_first_run_to_changes_and_survives_a_lost_engine() {
    let play = Play {
        agent: Agent::Claude,
        message: "write: plan.txt: one",
        reply: "Wrote plan.txt",
        file: "plan.txt",
    };
    play.goes_from_first_run_to_a_lost_engine().await;
}

#[tokio::test]
async fn codex_works_from_first_run_to_changes_and_survives_a_lost_engine() {
    // It writes files in the workspace without asking. Its answer is what the command prints.
    let play = Play {
        agent: Agent::Codex,
        message: "run: echo one > made.txt; wc -w made.txt",
        reply: "1 made.txt",
        file: "made.txt",
    };
    play.goes_from_first_run_to_a_lost_engine().await;
}

impl Play {
    async fn goes_from_first_run_to_a_lost_engine(&self) {
        let Some(mut stage) = Stage::with(self.agent).await else {
            return;
        };
        let page = stage.page().await;
        self.acts_after_a_question(&page, &stage).await;
        shows_in_terminal(&page, self.reply).await;
        talk(&page).await;
        shows_in_terminal(&page, LATER_REPLY).await;
        self.shows_its_change(&page).await;
        let session = page.attribute(&id("session-row"), "data-session").await;

        // The page that is open comes back by itself: the next engine answers where it looks.
        stage.engine.kill();
        page.sees(&id("connection-lost")).await;
        stage.engine.restart().await;
        page.misses(&id("connection-lost")).await;
        page.sees("[data-testid=connection][data-state=online]")
            .await;
        page.sees("[data-testid=status][data-status=failed]").await;
        let row = format!("[data-testid=session-row][data-session='{session}']");
        page.click(&format!("{row} a")).await;
        page.sees(&id("restart")).await;
        for said in [self.message, LATER] {
            page.reads(&id("message-user"), said).await;
        }
        for said in [self.reply, LATER_REPLY] {
            page.reads(&id("message-agent"), said).await;
        }
        shows_in_terminal(&page, LATER_REPLY).await;
        page.sees(&id("terminal-ended")).await;
        self.shows_its_change(&page).await;
        page.click(&id("nav-projects")).await;
        page.sees(&id("project-row")).await;
    }

    /// A new project and a new session, whose first message leads to a question.
    async fn acts_after_a_question(&self, page: &Page, stage: &Stage) {
        let agent = self.agent.name();
        page.sees(&id("first-run")).await;
        let row = format!("[data-testid=agent-row][data-agent={agent}]");
        page.reads(&row, "Ready").await;
        add_project(page, &stage.repository.path).await;
        start_session(page, agent, self.message).await;

        page.reads(&id("message-user"), self.message).await;
        page.sees("[data-testid=status][data-status=needs_attention]")
            .await;
        page.reads(&id("approval"), self.file).await;
        page.click(&id("approval-option")).await;
        page.reads(&id("message-agent"), self.reply).await;
        page.sees("[data-testid=status][data-status=waiting]").await;
        page.misses(&id("approval")).await;
        for happened in ["Session created", "Question answered", "Reply"] {
            page.reads(&id("activity"), happened).await;
        }
    }

    async fn shows_its_change(&self, page: &Page) {
        page.click(&id("tab-changes")).await;
        let row = format!("[data-testid=change-row][data-path='{}']", self.file);
        page.click(&row).await;
        page.reads(&id("patch"), "one").await;
    }
}

/// A message from the box under the conversation, and its whole answer.
async fn talk(page: &Page) {
    page.click(&id("tab-chat")).await;
    page.sees("[data-testid=status][data-status=waiting]").await;
    page.type_into(&id("composer"), LATER).await;
    page.click(&id("send")).await;
    page.reads(
        "[data-testid=message-agent][data-partial=false]",
        LATER_REPLY,
    )
    .await;
    page.sees("[data-testid=status][data-status=waiting]").await;
    assert_eq!(
        page.count(&id("message-user")).await,
        2,
        "what was said stands once"
    );
}

async fn shows_in_terminal(page: &Page, text: &str) {
    page.click(&id("tab-terminal")).await;
    page.terminal(text, |screen| screen.contains(text).then_some(()))
        .await;
}
