//! What a session's task makes of time: of programs that are slow, and of its own turns that come late.
//!
//! Time is set, not waited for.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use berth_protocol::{SessionId, Size, Status};
use tokio::{sync::mpsc, time::Instant};

use super::{Family, SessionEvent, Start, actor::Actor, pace::Pace, turn::Turn};
use crate::{
    agents,
    process::Reaper,
    pty::{Launch, Pty},
};

/// A session of an agent in whose place a script runs, which has printed something that was not taken yet.
async fn prints(agent: &str, script: &str) -> Actor {
    prints_and_tells(agent, script).await.0
}

/// The same, and what the session tells.
async fn prints_and_tells(
    agent: &str,
    script: &str,
) -> (Actor, mpsc::UnboundedReceiver<SessionEvent>) {
    let id: SessionId = "01890a5d-ac96-774b-bcce-b302099a8057"
        .parse()
        .expect("it is one");
    let spec = agents::find(&agent.parse().expect("it is a name")).expect("it is known");
    let launch = Launch {
        program: PathBuf::from("/bin/bash"),
        args: vec!["-c".into(), script.into()],
        env: BTreeMap::from([("PATH".into(), "/usr/bin:/bin".into())]),
        cwd: std::env::temp_dir(),
        size: Size::default(),
    };
    // Without its terminal, which the session has, the program ends.
    let (pty, _exit) = Pty::spawn(&launch).expect("it is started");
    let start = Start {
        id,
        run: 1,
        launch,
        rules: Arc::clone(&spec.screen),
        recording: None,
        follow_output: false,
        shows_earlier: false,
        title: String::new(),
        router: None,
        reaper: Reaper::start(),
        grace: Duration::from_secs(1),
    };
    let family = Family {
        session: id,
        leader: None,
        servers: false,
    };
    let (events, told) = mpsc::unbounded_channel();
    let actor = Actor::new(start, Arc::new(pty), family, None, events);
    let until = Instant::now() + Duration::from_secs(30);
    while !actor.pty.output.is_pending() {
        assert!(Instant::now() < until, "the program prints nothing");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    (actor, told)
}

/// Takes what was printed, and lets as much time pass as an agent has that draws nothing known.
async fn stays_unclear(actor: &mut Actor) {
    let printed = actor.pty.output.take(None).await.expect("there is some");
    actor.printed(printed);
    assert!(actor.unclear_at.is_some());
    actor.unclear_at = Some(Instant::now());
    actor.settle_at = None;
    actor.tick();
}

#[tokio::test]
async fn output_that_nobody_had_time_to_take_is_no_pause() {
    let mut actor = prints("custom", "echo words; read -r line").await;
    actor.started -= Duration::from_secs(10);

    // The pause is over, as far as anybody knows who has not looked at what was printed meanwhile.
    actor.settle_at = Some(Instant::now());
    actor.tick();
    assert_eq!(actor.status, Status::Starting);
    assert!(actor.settle_at.is_some_and(|at| at > actor.started));

    let printed = actor.pty.output.take(None).await.unwrap();
    actor.printed(printed);
    actor.settle_at = Some(Instant::now());
    actor.tick();
    assert_eq!(actor.status, Status::Waiting);
}

#[tokio::test]
async fn an_agent_that_does_not_read_keys_yet_has_not_started() {
    let mut actor = prints("aider", "echo words; read -r line").await;
    stays_unclear(&mut actor).await;
    assert_eq!(actor.status, Status::Starting);
    assert!(!actor.face_lost);
    assert!(actor.unclear_at.is_some_and(|at| at > Instant::now()));

    // But for ever it is not waited for.
    actor.started -= Duration::from_mins(1);
    actor.unclear_at = Some(Instant::now());
    actor.tick();
    assert_eq!(actor.status, Status::Waiting);
    assert!(actor.face_lost);
}

#[tokio::test]
async fn an_agent_that_reads_keys_on_an_unknown_screen_waits() {
    let mut actor = prints("aider", "stty -icanon; echo words; read -r line").await;
    stays_unclear(&mut actor).await;
    assert_eq!(actor.status, Status::Waiting);
    assert!(actor.face_lost);
}

/// Claude's box, and above it what a conversation shows.
const RESUMED: &str = r#"
stty -icanon -echo
line=$(printf '─%.0s' {1..40})
printf '\n%s\n❯ \n%s\n  the box\n' "$line" "$line"
read -r line_of_ours
printf '\e[2J\e[H❯ What was said?\n\n● This.\n\n%s\n❯ \n%s\n  what was said\n' "$line" "$line"
read -r line_of_ours
"#;

/// Takes what is printed until this stands last, and rests as long as it takes to count.
async fn rests(actor: &mut Actor, last: &str) {
    draws(actor, last).await;
    settles(actor);
}

/// The same, however long this machine took to print it.
async fn rests_anew(actor: &mut Actor, last: &str) {
    draws(actor, last).await;
    if let Some(turn) = &mut actor.turn {
        turn.ready_since = turn.ready_since.map(|_| Instant::now());
    }
    settles(actor);
}

/// Takes what is printed until this stands last.
async fn draws(actor: &mut Actor, last: &str) {
    while !actor.terminal.screen().text.trim_end().ends_with(last) {
        let printed = actor.pty.output.take(None).await.expect("there is some");
        actor.printed(printed);
        actor.terminal.draw();
    }
}

/// Lets the program do what it does next.
fn goes_on(actor: &Actor) {
    actor
        .pty
        .write(b"\n".to_vec())
        .expect("the program reads it");
}

/// Looks at the screen before the program has settled.
fn glances(actor: &mut Actor) {
    actor.settle_at = None;
    actor.glance_at = Some(Instant::now());
    actor.tick();
}

fn settles(actor: &mut Actor) {
    actor.settle_at = Some(Instant::now());
    actor.tick();
}

#[tokio::test]
async fn an_agent_that_resumes_waits_only_once_it_shows_what_was_said() {
    let mut actor = prints("claude", RESUMED).await;
    actor.start.shows_earlier = true;
    rests(&mut actor, "the box").await;
    assert_eq!(actor.status, Status::Starting);
    // Nor is that a screen which no rule knows.
    actor.unclear_at = Some(Instant::now());
    actor.settle_at = None;
    actor.tick();
    assert_eq!(actor.status, Status::Starting);
    assert!(!actor.face_lost);

    actor.pty.write(b"\n".to_vec()).unwrap();
    rests(&mut actor, "what was said").await;
    assert_eq!(actor.status, Status::Waiting);
}

#[tokio::test]
async fn an_agent_that_resumes_and_shows_nothing_is_not_waited_for_for_ever() {
    let mut actor = prints("claude", RESUMED).await;
    actor.start.shows_earlier = true;
    rests(&mut actor, "the box").await;
    assert_eq!(actor.status, Status::Starting);
    assert!(
        actor
            .settle_at
            .is_some_and(|at| Some(at) == actor.starts_by)
    );

    actor.starts_by = Some(Instant::now());
    settles(&mut actor);
    assert_eq!(actor.status, Status::Waiting);
}

/// Codex draws its box before it knows whether it must ask.
const UNSURE: &str = r"printf '› Ask Codex to do anything\r\n\r\n  ? for shortcuts\r\n'; read -r line;
    printf '\033[2J\033[HWelcome to Codex\r\n\r\n› 1. Sign in\r\n  2. Use a key\r\n\r\n  Press enter to continue\r\n'; read -r line";

#[tokio::test]
async fn an_agent_that_shows_its_box_too_early_waits_only_once_it_has_started() {
    let mut actor = prints("codex", UNSURE).await;
    rests(&mut actor, "shortcuts").await;
    assert_eq!(actor.status, Status::Starting);
    assert!(
        actor
            .settle_at
            .is_some_and(|at| Some(at) == actor.starts_by)
    );

    actor.pty.write(b"\n".to_vec()).unwrap();
    rests(&mut actor, "continue").await;
    assert!(
        matches!(actor.status, Status::NeedsAttention { .. }),
        "{:?}",
        actor.status
    );
}

#[tokio::test]
async fn an_agent_that_says_that_it_is_idle_has_started_whatever_it_shows() {
    const SURE: &str = r"printf '\033]7501;state=idle:app=codex\033\\› Ask Codex to do anything\r\n\r\n  ? for shortcuts\r\n'; read -r line";
    let mut actor = prints("codex", SURE).await;
    rests(&mut actor, "shortcuts").await;
    assert_eq!(actor.status, Status::Waiting);
}

#[tokio::test]
async fn an_agent_that_begins_waits_at_once() {
    let mut actor = prints("claude", RESUMED).await;
    rests(&mut actor, "the box").await;
    assert_eq!(actor.status, Status::Waiting);
}

/// Droid takes a message, works, says no longer that it works, and draws its words only then.
const LATE: &str = r#"
stty -icanon -echo
box() { printf '\n╭────────╮\n│ >      │\n╰────────╯\n%s\n' "$1"; }
took() { printf '\e[2J\e[H\e[48;5;236m   error: 400\e[K\e[0m\n\n'; }
box ready; read -r line_of_ours
took; printf '  Thinking... (Press ESC to stop)\n'; box works; read -r line_of_ours
took; box silent; read -r line_of_ours
took; printf '●  Error: 400\n'; box told; read -r line_of_ours
"#;

/// A Droid that has worked on a message and seems to have said nothing to it.
async fn is_silent(script: &str) -> (Actor, mpsc::UnboundedReceiver<SessionEvent>) {
    let (mut actor, told) = prints_and_tells("droid", script).await;
    rests(&mut actor, "ready").await;
    assert_eq!(actor.status, Status::Waiting);
    actor.turn = Some(Turn::new(Some("error: 400".to_owned()), 0, 0));
    goes_on(&actor);
    rests(&mut actor, "works").await;
    assert_eq!(actor.status, Status::Running);
    goes_on(&actor);
    rests_anew(&mut actor, "silent").await;
    assert_eq!(actor.status, Status::Running, "it is waited for a while");

    let turn = actor.turn.as_mut().expect("it goes on");
    // Longer than one rests that draws slowly, as here beside other work.
    turn.ready_since = turn
        .ready_since
        .map(|since| since - Duration::from_secs(60));
    settles(&mut actor);
    assert_eq!(actor.status, Status::Waiting, "but not for ever");
    assert!(actor.turn.is_none());
    (actor, told)
}

/// The answers that were told as complete.
fn answers(told: &mut mpsc::UnboundedReceiver<SessionEvent>) -> Vec<String> {
    let mut answers = Vec::new();
    while let Ok(event) = told.try_recv() {
        if let SessionEvent::Reply {
            content,
            complete: true,
            ..
        } = event
            && !content.is_empty()
        {
            answers.push(content);
        }
    }
    answers
}

#[tokio::test]
async fn words_that_are_drawn_long_after_the_work_belong_to_its_answer() {
    let (mut actor, mut told) = is_silent(LATE).await;
    goes_on(&actor);
    draws(&mut actor, "told").await;
    glances(&mut actor);
    let turn = actor.turn.as_ref().expect("it is taken up");
    assert_eq!(turn.reported, "Error: 400");
    settles(&mut actor);
    assert!(actor.turn.is_none() && actor.unanswered.is_none());
    assert_eq!(actor.status, Status::Waiting);
    assert_eq!(answers(&mut told), ["Error: 400"]);
}

#[tokio::test]
async fn words_that_come_after_more_work_belong_to_the_same_answer() {
    let script = LATE.replace(
        "took; box silent; read -r line_of_ours\n",
        "took; box silent; read -r line_of_ours
        took; printf '  Thinking... (Press ESC to stop)\\n'; box once_more; read -r line_of_ours
        took; box rests; read -r line_of_ours\n",
    );
    let (mut actor, mut told) = is_silent(&script).await;
    goes_on(&actor);
    rests(&mut actor, "once_more").await;
    assert_eq!(actor.status, Status::Running);
    // Whatever that was, it is over.
    goes_on(&actor);
    rests(&mut actor, "rests").await;
    assert_eq!(actor.status, Status::Waiting);
    assert_eq!(answers(&mut told), [""; 0]);
    goes_on(&actor);
    rests(&mut actor, "told").await;
    assert_eq!(answers(&mut told), ["Error: 400"]);
}

#[tokio::test]
async fn what_is_drawn_before_the_next_message_is_taken_is_no_answer_to_that() {
    for seen in [false, true] {
        let (mut actor, mut told) = is_silent(LATE).await;
        goes_on(&actor);
        draws(&mut actor, "told").await;
        if seen {
            glances(&mut actor);
        }
        actor.end_earlier("say: next");
        assert!(actor.turn.is_none() && actor.unanswered.is_none());
        assert_eq!(answers(&mut told), ["Error: 400"], "seen: {seen}");
    }
    // Of the same words the last place counts, and what stands there answers the next message.
    let (mut actor, mut told) = is_silent(LATE).await;
    goes_on(&actor);
    draws(&mut actor, "told").await;
    actor.end_earlier("error: 400");
    assert_eq!(answers(&mut told), [""; 0]);
}

/// Droid asks, takes its question away, and works only some time later.
const ASKED: &str = r#"
stty -icanon -echo
box() { printf '\n╭────────╮\n│ >      │\n╰────────╯\n%s\n' "$1"; }
took() { printf '\e[2J\e[H\e[48;5;236m   write it\e[K\e[0m\n\n●  I write it.\n'; }
box ready; read -r line_of_ours
took; printf '\n❯ 1. Yes\n  2. No\n\n  asked\n'; read -r line_of_ours
took; box silent; read -r line_of_ours
took; printf '\n  Thinking... (Press ESC to stop)\n'; box works; read -r line_of_ours
took; printf '\n●  Done.\n'; box told; read -r line_of_ours
"#;

/// A Droid whose question is gone.
async fn is_answered() -> (Actor, mpsc::UnboundedReceiver<SessionEvent>) {
    let (mut actor, told) = prints_and_tells("droid", ASKED).await;
    rests(&mut actor, "ready").await;
    actor.turn = Some(Turn::new(Some("write it".to_owned()), 0, 0));
    goes_on(&actor);
    rests(&mut actor, "asked").await;
    assert!(
        matches!(actor.status, Status::NeedsAttention { .. }),
        "{:?}",
        actor.status
    );
    goes_on(&actor);
    rests_anew(&mut actor, "silent").await;
    assert_eq!(actor.status, Status::Running);
    (actor, told)
}

#[tokio::test]
async fn an_agent_whose_question_was_answered_has_not_finished_before_it_goes_on() {
    let (mut actor, mut told) = is_answered().await;
    goes_on(&actor);
    rests(&mut actor, "works").await;
    assert_eq!(actor.status, Status::Running);
    assert_eq!(answers(&mut told), [""; 0]);
    goes_on(&actor);
    rests(&mut actor, "told").await;
    assert_eq!(actor.status, Status::Waiting);
    assert_eq!(answers(&mut told), ["I write it.\n\nDone."]);
}

#[tokio::test]
async fn an_agent_that_does_nothing_more_after_its_question_is_not_waited_for_for_ever() {
    let (mut actor, mut told) = is_answered().await;
    let turn = actor.turn.as_mut().expect("it goes on");
    turn.answered = turn.answered.map(|at| at - Duration::from_secs(5));
    settles(&mut actor);
    assert_eq!(actor.status, Status::Waiting);
    assert_eq!(answers(&mut told), ["I write it."]);
}

#[tokio::test]
async fn half_a_frame_does_not_keep_an_agent_from_being_interrupted() {
    const TWICE: &str = r"
stty -icanon -echo
printf ' BUILD  ■■■ esc interrupt\n\nworks'; read -rsn1 key
printf '\e[2J\e[H\n\nhalf'; read -rsn1 line_of_ours
printf '\e[2J\e[H BUILD  ■■■ esc again to interrupt\n\nwhole'; read -rsn1 key
printf '\n\ntwice'; read -r line
";
    let mut actor = prints("opencode", TWICE).await;
    draws(&mut actor, "works").await;
    actor.interrupt().unwrap();
    draws(&mut actor, "half").await;
    let later = Instant::now() + Duration::from_secs(60);
    actor.printed = later;
    actor.interrupting.as_mut().unwrap().drawn_by = later;
    actor.press_on();
    assert!(actor.interrupting.is_some());

    actor.pty.write(b"x".to_vec()).unwrap();
    draws(&mut actor, "whole").await;
    actor.press_on();
    assert!(actor.interrupting.is_none());
    draws(&mut actor, "twice").await;
}

/// opencode answers, and says that it has finished.
const FINISHED: &str = r"
stty -icanon -echo
printf '\n BUILD  ready cmd\n'; read -r line_of_ours
printf '\e[2J\e[H› say: Hello\n\nHello\n\n▣ Build · Model · 4.0s\n\n\n BUILD  done cmd\n'; read -r line_of_ours
";

/// The session of an opencode that has paused for so long while it worked, and says now that it has finished.
async fn finishes(pause: Duration) -> Actor {
    let mut actor = prints("opencode", FINISHED).await;
    rests(&mut actor, "ready cmd").await;
    assert_eq!(actor.status, Status::Waiting);
    let mut turn = Turn::new(Some("say: Hello".to_owned()), 0, 0);
    turn.worked = true;
    actor.turn = Some(turn);
    actor.set_status(Status::Running);

    goes_on(&actor);
    draws(&mut actor, "done cmd").await;
    actor.pace = Pace::default();
    actor.pace.paused(pause, actor.printed);
    actor
}

#[tokio::test]
async fn an_agent_that_has_finished_must_rest_as_long_as_it_draws_slowly() {
    for (pause, rest) in [(10, 150), (200, 250), (2000, 500)] {
        let rest = Duration::from_millis(rest);
        let mut actor = finishes(Duration::from_millis(pause)).await;
        // It prints until later.
        actor.printed = Instant::now() + Duration::from_secs(60);
        glances(&mut actor);
        assert_eq!(actor.status, Status::Running);
        assert_eq!(actor.settle_at, Some(actor.printed + rest));

        actor.printed = Instant::now() - rest;
        glances(&mut actor);
        assert_eq!(actor.status, Status::Waiting);
        assert!(actor.turn.is_none());
    }
}

#[tokio::test]
async fn the_time_that_its_user_takes_says_nothing_of_how_an_agent_draws() {
    let mut actor = finishes(Duration::from_millis(10)).await;
    let most = Duration::from_millis(500);
    let known = actor.pace.rest(most);
    actor.set_status(Status::Waiting);
    actor.printed -= Duration::from_secs(10);
    actor.printed(b" ".to_vec());
    assert_eq!(actor.pace.rest(most), known);

    actor.set_status(Status::Running);
    actor.printed -= Duration::from_secs(10);
    actor.printed(b" ".to_vec());
    assert_eq!(actor.pace.rest(most), most);
}
