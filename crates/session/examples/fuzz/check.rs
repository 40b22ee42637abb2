//! The rules that hold for whatever a program prints.

use std::{
    cell::RefCell,
    panic::{self, AssertUnwindSafe},
};

use berth_session::{
    agents::{self, ScreenRules},
    reading::{self, Activity, How},
    terminal::{Line, SCROLLBACK_LINES, Terminal},
};

use crate::case::{Case, Step};

/// More rows than a terminal has.
const ALL: usize = SCROLLBACK_LINES * 2;

/// Looks at a screen that are checked with everything; of the others only the reading is.
const THOROUGH: usize = 4;

/// Most bytes of answers for each byte of output: a query of the default colours is the shortest.
const ANSWERS: usize = 32;

thread_local! {
    /// The panic of the case that runs on this thread; nothing while none runs.
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Keeps a case's panic for the end: it happens again with each try of making the case smaller.
pub fn keep_panics_quiet() {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let kept = PANIC.with_borrow_mut(|kept| kept.as_mut().map(|kept| *kept = info.to_string()));
        if kept.is_none() {
            usual(info);
        }
    }));
}

/// Runs a case; an error says which rule it breaks.
pub fn check(case: &Case) -> Result<(), String> {
    PANIC.set(Some(String::new()));
    let result = panic::catch_unwind(AssertUnwindSafe(|| run(case)));
    let panic = PANIC.take().unwrap_or_default();
    result.unwrap_or(Err(panic))
}

fn run(case: &Case) -> Result<(), String> {
    let Some(spec) = agents::find(&case.agent) else {
        return Err(format!("there is no agent {}", case.agent));
    };
    let mut lazy = Terminal::new(case.size);
    let mut eager = Terminal::new(case.size);
    let (mut taken, mut answered) = (0, [0, 0]);
    let mut looks = case.steps.iter().filter(|step| matches!(step, Step::Look));
    let looks_in_all = looks.by_ref().count();
    let mut looked = 0;
    for step in &case.steps {
        match step {
            Step::Output(bytes) => {
                taken += bytes.len();
                answered[0] += lazy.take(bytes).len();
                for piece in bytes.chunks(case.cut.clamp(1, 4096)) {
                    answered[1] += eager.feed(piece).len();
                }
            }
            Step::Resize(size) => {
                lazy.resize(*size);
                eager.resize(*size);
            }
            Step::EndUpdate => {
                answered[0] += lazy.end_synchronized_update().len();
                answered[1] += eager.end_synchronized_update().len();
            }
            Step::Look => {
                lazy.draw();
                looked += 1;
                let thorough = looked + THOROUGH > looks_in_all;
                read(&spec.screen, &lazy, &case.sent, thorough)?;
                if thorough {
                    alike(&lazy, &eager)?;
                    drawn(&lazy)?;
                    repainted(&lazy)?;
                }
            }
        }
    }
    if answered[0] != answered[1] {
        return Err(format!("the answers depend on the cut: {answered:?} bytes"));
    }
    if answered[0] > 64 + taken * ANSWERS {
        return Err(format!("{} bytes of answers to {taken}", answered[0]));
    }
    Ok(())
}

/// What is held back and left out makes no difference, and neither does where output is cut.
fn alike(lazy: &Terminal, eager: &Terminal) -> Result<(), String> {
    if lazy.program_status() != eager.program_status()
        || lazy.program_works() != eager.program_works()
    {
        return Err("what the program says of itself depends on the cut".to_owned());
    }
    if lazy.has_pasted() != eager.has_pasted() {
        return Err("whether pasted text was marked depends on the cut".to_owned());
    }
    if lazy.cursor() != eager.cursor() {
        return Err(differ("the cursor", lazy.cursor(), eager.cursor()));
    }
    if lazy.snapshot() != eager.snapshot() {
        let (lazy, eager) = (lazy.all_lines(ALL), eager.all_lines(ALL));
        return Err(first_difference("drawn late", &lazy, &eager));
    }
    Ok(())
}

/// The screen is what its size says.
fn drawn(terminal: &Terminal) -> Result<(), String> {
    let (size, cursor) = (terminal.size(), terminal.cursor());
    if cursor.row >= size.rows || cursor.col >= size.cols {
        return Err(differ("the cursor is outside", cursor, size));
    }
    let screen = terminal.screen_lines();
    if screen.len() != usize::from(size.rows) {
        return Err(differ("rows", screen.len(), size));
    }
    let lines = terminal.all_lines(ALL);
    if lines.len() > SCROLLBACK_LINES + screen.len() {
        return Err(differ("rows with scrollback", lines.len(), size));
    }
    for line in &lines {
        if line.text.chars().any(char::is_control) {
            return Err(differ("a control character in a row", line, size));
        }
        let ordered = line.looks.is_sorted_by_key(|(at, _)| *at);
        let on_characters = line
            .looks
            .iter()
            .all(|(at, _)| *at >= line.text.len() || line.text.is_char_boundary(*at));
        if !ordered || !on_characters {
            return Err(differ("the looks of a row", line, size));
        }
    }
    if terminal.screen().title.chars().count() > 256 {
        return Err("the title is too long".to_owned());
    }
    Ok(())
}

/// A viewer that gets the repaint sees the same.
fn repainted(terminal: &Terminal) -> Result<(), String> {
    let mut copy = Terminal::new(terminal.size());
    if !copy.feed(&terminal.snapshot()).is_empty() {
        return Err("a repaint asks the viewer something".to_owned());
    }
    let (shown, mut drawn) = (visible(&copy), visible(terminal));
    if let Some(last) = drawn.last_mut() {
        // A change of the size can cut off the row that it went on in.
        last.wrapped = false;
        last.text.truncate(last.text.trim_end_matches(' ').len());
    }
    if shown != drawn {
        return Err(first_difference("repainted", &shown, &drawn));
    }
    if copy.cursor() != terminal.cursor() {
        return Err(differ(
            "the repainted cursor",
            copy.cursor(),
            terminal.cursor(),
        ));
    }
    Ok(())
}

/// The rows without the looks of the blanks at their ends, of which a background at most is seen.
fn visible(terminal: &Terminal) -> Vec<Line> {
    let mut lines = terminal.all_lines(ALL);
    for line in &mut lines {
        let text = line.text.trim_end_matches(' ').len();
        line.looks.retain(|(at, _)| *at < text);
    }
    lines
}

/// What is read is in itself right, whatever stands on the screen.
fn read(
    rules: &ScreenRules,
    terminal: &Terminal,
    sent: &str,
    thorough: bool,
) -> Result<(), String> {
    let found = reading::read(rules, terminal);
    if let Activity::Asks(question) = &found.activity {
        let count = question.options.len();
        let numbered = question.options.iter().zip(1..);
        if numbered
            .clone()
            .any(|(option, n)| option.id != n.to_string())
        {
            return Err(differ("the answers", question, count));
        }
        let right = match &question.how {
            How::Number { selected } => count == 0 || *selected < count,
            How::Column { selected } | How::Row { selected } => *selected < count,
            How::Letter(letters) => letters.len() == count,
        };
        if !right || (0..count).any(|place| question.keys(place).is_empty()) {
            return Err(differ("how it is answered", question, count));
        }
    }
    let reply = reading::reply(rules, terminal, sent, true, 0);
    let messages = reading::messages(rules, terminal).unwrap_or_default();
    reading::finished(rules, terminal);
    let explained = thorough.then(|| reading::explain(rules, terminal, sent).message);
    let texts = explained.iter().chain(&found.input).chain(&messages);
    for text in texts.chain([&reply]) {
        if text.contains(|c: char| c.is_control() && c != '\n') {
            return Err(differ("a control character in a text", text, sent));
        }
    }
    Ok(())
}

fn first_difference(what: &str, ones: &[Line], others: &[Line]) -> String {
    let at = ones
        .iter()
        .zip(others)
        .position(|(one, other)| one != other);
    match at {
        Some(row) => differ(&format!("{what}, row {row}"), &ones[row], &others[row]),
        None => differ(
            &format!("{what}: rows, or colours if those are alike"),
            ones.len(),
            others.len(),
        ),
    }
}

fn differ(what: &str, one: impl std::fmt::Debug, other: impl std::fmt::Debug) -> String {
    format!("{what}: {one:?} is not {other:?}")
}
