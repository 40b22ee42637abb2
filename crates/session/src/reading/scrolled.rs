//! The words of an answer whose beginning has left the screen for good.
//!
//! The alternate screen has no scrollback. Once the user's message has left it, what was read of the answer before
//! and what the screen still shows of it are joined where they overlap.

use super::reply::{FENCE, reply, words_before_echo};
use crate::{agents::ScreenRules, terminal::Terminal};

/// Rows with words that must agree: fewer may do so by chance.
const SURE: usize = 3;

/// Like [`reply`], of an answer of which `known` was read before.
///
/// When the user's message has left an alternate screen, that goes on with what the screen shows. Where nothing shows
/// how, because the program has drawn more than a screen between two looks or its user looks back, `known` stays.
pub fn reply_beyond(
    rules: &ScreenRules,
    terminal: &Terminal,
    sent: &str,
    worked: bool,
    before: usize,
    known: &str,
) -> String {
    let shown = reply(rules, terminal, sent, worked, before);
    let left = shown.is_empty() && rules.echo.is_some() && terminal.alternate_screen();
    if !left || known.is_empty() {
        return shown;
    }
    joined(known, &words_before_echo(rules, terminal)).unwrap_or_else(|| known.to_owned())
}

/// The rows with words, by their places, without the blanks around them. Fences are not on the screen.
fn solid<'a>(rows: &[&'a str]) -> Vec<(usize, &'a str)> {
    let rows = rows.iter().map(|row| row.trim()).enumerate();
    rows.filter(|(_, row)| !row.is_empty() && *row != FENCE)
        .collect()
}

/// What was known with what is shown behind it. All rows of `known` from the first one shown on must be shown, but the
/// last, which may have been growing when it was read; the longest overlap counts.
fn joined(known: &str, shown: &str) -> Option<String> {
    let (known, shown): (Vec<_>, Vec<_>) = (known.lines().collect(), shown.lines().collect());
    let (solid_known, solid_shown) = (solid(&known), solid(&shown));
    let (&(last, _), sure) = solid_known.split_last()?;
    let overlap = (0..sure.len()).map(|first| &sure[first..]).find(|rows| {
        let mut both = rows.iter().zip(&solid_shown);
        rows.len() >= SURE
            && solid_shown.len() > rows.len()
            && both.all(|((_, one), (_, other))| one == other)
    })?;
    let (above, _) = overlap[overlap.len() - 1];
    let (above_shown, _) = solid_shown[overlap.len() - 1];
    let (next, _) = solid_shown[overlap.len()];
    // Behind a mark that has left the screen nothing tells any more how deep the agent's words are indented.
    let blanks = |row: &str| row.len() - row.trim_start_matches(' ').len();
    let depth = blanks(shown[above_shown]).saturating_sub(blanks(known[above]));
    let shown = shown[next..]
        .iter()
        .map(|row| &row[depth.min(blanks(row))..]);
    // Behind the last row stand at most the ends of blocks.
    let mut rows: Vec<&str> = known[..last].to_vec();
    rows.extend(shown.clone().take(1));
    rows.extend(&known[last + 1..]);
    rows.extend(shown.skip(1));
    Some(rows.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        agents,
        recording::{Played, play},
    };

    #[test]
    fn an_answer_goes_on_where_the_screen_shows_what_was_known() {
        let known = "one\n\ntwo\n- three\nfour\nfi";
        let shown = "  two\n  - three\n  four\n\n  five\n    six";
        assert_eq!(
            joined(known, shown).as_deref(),
            Some("one\n\ntwo\n- three\nfour\nfive\n  six")
        );
    }

    #[test]
    fn a_block_that_has_left_the_screen_in_part_stays_closed() {
        let known = "```\nRun(a)\nb\nc\nd\n```";
        assert_eq!(
            joined(known, "  Run(a)\n  b\n  c\n  d\n\nDone.").as_deref(),
            Some("```\nRun(a)\nb\nc\nd\n```\n\nDone.")
        );
    }

    #[test]
    fn what_does_not_go_on_from_what_was_known_is_left_out() {
        let known = "one\ntwo\nthree\nfour\nfive";
        for shown in [
            "",
            "six\nseven\neight\nnine",
            "one\ntwo\nthree",
            "four\nsix",
        ] {
            assert_eq!(joined(known, shown), None, "{shown}");
        }
    }

    #[test]
    fn a_long_answer_on_the_alternate_screen_of_claude_is_read_to_its_end() {
        let rules = &agents::find(&"claude".parse().unwrap()).unwrap().screen;
        let read = |name: &str| {
            let path = format!(
                "{}/src/agents/claude/recordings/{name}.cast",
                env!("CARGO_MANIFEST_DIR")
            );
            let (size, events) = play(path.as_ref()).unwrap();
            let mut terminal = Terminal::new(size);
            let mut known = String::new();
            for (_, event) in events {
                if let Played::Output(text) = event {
                    terminal.feed(text.as_bytes());
                    known = reply_beyond(rules, &terminal, "long: 60", true, 0, &known);
                }
            }
            known
        };
        // The main screen has a scrollback.
        assert_eq!(read("long"), read("inline-long"));
    }
}
