//! Goes through the steps of a scenario: presses keys, and waits for what the screen shows.
//!
//! Nothing here sleeps to let something happen. The screen is looked at when the program has drawn; it
//! rests when it was not drawn on for a while.

use std::{collections::BTreeMap, time::Duration};

use berth_protocol::Size;
use berth_session::live::{SessionHandle, Update, View};
use regex::{Regex, RegexBuilder};
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::{Instant, timeout, timeout_at},
};

use crate::{
    keys,
    scenario::{Patterns, Scenario, Step},
};

/// A screen that nothing was drawn on for this long rests.
const REST: Duration = Duration::from_millis(500);

/// How long one step may take on a slow machine.
const LIMIT: Duration = Duration::from_secs(60);

/// Letters at the end of a message by which it is found on the screen.
const TAIL: usize = 20;

/// Why a scenario could not be gone through.
#[derive(Debug, thiserror::Error)]
pub enum DriveError {
    #[error("{0:?} is no size such as 110x40")]
    Size(String),
    #[error("{0:?} is no key")]
    Key(String),
    #[error("the pattern is not understood: {0}")]
    Pattern(#[from] regex::Error),
    #[error("{what} was not seen within {} s; the screen:\n{screen}", LIMIT.as_secs())]
    NotSeen { what: String, screen: String },
    #[error("the program ended before {0}")]
    Ended(String),
}

/// Columns and rows, such as `110x40`.
pub fn size(text: &str) -> Result<Size, DriveError> {
    let wrong = || DriveError::Size(text.to_owned());
    let (cols, rows) = text.split_once('x').ok_or_else(wrong)?;
    let number = |text: &str| text.parse().map_err(|_| wrong());
    Ok(Size {
        rows: number(rows)?,
        cols: number(cols)?,
    })
}

/// Somebody in front of the terminal.
pub struct Driver<'a> {
    session: &'a SessionHandle,
    updates: Receiver<Update>,
    scenario: &'a Scenario,
    words: &'a BTreeMap<&'a str, String>,
}

impl<'a> Driver<'a> {
    pub fn new(
        session: &'a SessionHandle,
        view: View,
        scenario: &'a Scenario,
        words: &'a BTreeMap<&'a str, String>,
    ) -> Self {
        Self {
            session,
            updates: view.updates,
            scenario,
            words,
        }
    }

    /// Goes through all steps. Says how many bytes the program had printed at the end; nothing when
    /// it has ended as it should, and all of it counts.
    pub async fn run(mut self) -> Result<Option<u64>, DriveError> {
        for step in &self.scenario.steps {
            match step {
                Step::Wait(patterns) => self.wait(patterns).await?,
                Step::See(patterns) => self.see(patterns).await?,
                Step::Redrawn(times) => {
                    for _ in 0..*times {
                        self.drawn(Instant::now() + LIMIT, "it drew again").await?;
                    }
                }
                Step::Message(text) => self.say(text).await?,
                Step::Type(text) => self.input(self.expand(text).into_bytes()).await?,
                Step::Paste(text) => {
                    let text = format!("\x1b[200~{}\x1b[201~", self.expand(text));
                    self.input(text.into_bytes()).await?;
                }
                Step::Press(names) => self.press(names).await?,
                Step::Resize(text) => {
                    let resized = self.session.resize(size(text)?).await;
                    resized.map_err(|_| DriveError::Ended("it was resized".to_owned()))?;
                }
                Step::End => return self.end().await.map(|()| None),
            }
        }
        let view = self.session.view().await;
        let view = view.map_err(|_| DriveError::Ended("the end of the scenario".to_owned()))?;
        Ok(Some(view.offset))
    }

    fn expand(&self, text: &str) -> String {
        self.scenario.expand(text, self.words)
    }

    async fn input(&self, bytes: Vec<u8>) -> Result<(), DriveError> {
        let typed = self.session.input(bytes).await;
        typed.map_err(|_| DriveError::Ended("it was typed into".to_owned()))
    }

    async fn say(&mut self, text: &str) -> Result<(), DriveError> {
        let text = self.expand(text);
        let skip = text.chars().count().saturating_sub(TAIL);
        let tail: String = text.chars().skip(skip).collect();
        self.input(text.into_bytes()).await?;
        let shown = RegexBuilder::new(&regex::escape(&tail)).build()?;
        self.rest_with(&[shown], &tail).await?;
        self.input(b"\r".to_vec()).await
    }

    async fn press(&mut self, names: &str) -> Result<(), DriveError> {
        let names = self.expand(names);
        for (place, name) in names.split_whitespace().enumerate() {
            if place > 0 {
                // The program shows what the key before has done, if it does anything.
                self.drawn(Instant::now() + REST, name).await.ok();
            }
            let key = keys::bytes(name).ok_or_else(|| DriveError::Key(name.to_owned()))?;
            self.input(key).await?;
        }
        Ok(())
    }

    fn patterns(&self, patterns: &Patterns) -> Result<Vec<Regex>, DriveError> {
        let each = patterns.each().iter();
        let built = each.map(|text| {
            RegexBuilder::new(&self.expand(text))
                .multi_line(true)
                .build()
        });
        Ok(built.collect::<Result<_, _>>()?)
    }

    async fn wait(&mut self, patterns: &Patterns) -> Result<(), DriveError> {
        let built = self.patterns(patterns)?;
        self.rest_with(&built, &self.expand(&patterns.each().join(" and ")))
            .await
    }

    async fn see(&mut self, patterns: &Patterns) -> Result<(), DriveError> {
        let built = self.patterns(patterns)?;
        let what = self.expand(&patterns.each().join(" and "));
        let by = Instant::now() + LIMIT;
        while !self.shows(&built, &what).await? {
            self.drawn(by, &what).await?;
        }
        Ok(())
    }

    /// Waits until the screen rests and shows all this.
    async fn rest_with(&mut self, patterns: &[Regex], what: &str) -> Result<(), DriveError> {
        let by = Instant::now() + LIMIT;
        loop {
            match timeout(REST, self.updates.recv()).await {
                Ok(update) => {
                    ended(update, what)?;
                    if Instant::now() >= by {
                        return Err(self.not_seen(what).await);
                    }
                }
                Err(_) if self.shows(patterns, what).await? => return Ok(()),
                Err(_) => self.drawn(by, what).await?,
            }
        }
    }

    async fn shows(&self, patterns: &[Regex], what: &str) -> Result<bool, DriveError> {
        let screen = self.session.screen().await;
        let text = screen.map_err(|_| DriveError::Ended(what.to_owned()))?.text;
        // Rows are compared without the blanks at their ends.
        let rows: Vec<&str> = text.lines().map(str::trim_end).collect();
        let text = rows.join("\n");
        Ok(patterns.iter().all(|pattern| pattern.is_match(&text)))
    }

    /// Waits until the program draws.
    async fn drawn(&mut self, by: Instant, what: &str) -> Result<(), DriveError> {
        match timeout_at(by, self.updates.recv()).await {
            Ok(update) => ended(update, what),
            Err(_) => Err(self.not_seen(what).await),
        }
    }

    async fn not_seen(&self, what: &str) -> DriveError {
        let screen = self.session.screen().await;
        DriveError::NotSeen {
            what: what.to_owned(),
            screen: screen.map(|screen| screen.text).unwrap_or_default(),
        }
    }

    async fn end(&mut self) -> Result<(), DriveError> {
        let by = Instant::now() + LIMIT;
        loop {
            match timeout_at(by, self.updates.recv()).await {
                Ok(Ok(Update::Ended(_)) | Err(RecvError::Closed)) => return Ok(()),
                Ok(_) => {}
                Err(_) => return Err(self.not_seen("its end").await),
            }
        }
    }
}

fn ended(update: Result<Update, RecvError>, what: &str) -> Result<(), DriveError> {
    match update {
        Ok(Update::Ended(_)) | Err(RecvError::Closed) => Err(DriveError::Ended(what.to_owned())),
        // What was missed stands on the screen all the same.
        Ok(_) | Err(RecvError::Lagged(_)) => Ok(()),
    }
}
