//! Makes cases out of recordings and noise.

use std::{fs, io, path::Path};

use berth_protocol::{AgentId, Size};
use berth_session::{
    agents,
    recording::{Played, play},
};

use crate::{
    case::{Case, Step},
    random::Random,
};

/// Most bytes of a recording that one case begins with.
const MOST: usize = 48 * 1024;

/// Most bytes of output of a case that grows.
const GROWN: usize = 2 * 1024 * 1024;

/// Most looks at the screen of a case, besides the one at its end.
const MOST_LOOKS: usize = 20;

/// Messages that the recorded agents were sent, and some that nobody sends.
const SENT: &[&str] = &[
    "",
    "say: Hello from the test model.",
    "long: 60",
    "write: notes.txt: one\\ntwo",
    "hang",
    "error: 400",
    "e\u{301}\u{301} 宽 👩‍👧",
    "\n\n",
    "❯",
    "a",
];

/// What recordings have little of.
const PIECES: &[&[u8]] = &[
    b"\x1b[?1049h",
    b"\x1b[?1049l",
    b"\x1b[?2026h",
    b"\x1b[?2026l",
    b"\x1b[?2004h",
    b"\x1b[?2004l",
    b"\x1b[?6h\x1b[2;4r",
    b"\x1b[?7l",
    b"\x1b[?7h",
    b"\x1b[4h",
    b"\x1b[20h",
    b"\x1bc",
    b"\x1b[!p",
    b"\x1b#8",
    b"\x1b(0",
    b"\x0e",
    b"\x1b7\x1b8",
    b"\x1b[s\x1b[u",
    b"\x1b[2J\x1b[3J\x1b[H",
    b"\x1bM",
    b"\x1bD\x1bE\x1bH",
    b"\x1b[65535b",
    b"\x1b[65535L\x1b[65535M\x1b[65535@\x1b[65535P\x1b[65535X",
    b"\x1b[65535S\x1b[65535T\x1b[65535I\x1b[65535Z",
    b"\x1b[65535;65535H",
    b"\x1b[99999999999999999999A",
    b"\x1b[;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;m",
    b"\x1b[38;2;1;2;3;48:5:300;4:9m",
    b"\x1b[c\x1b[>c\x1b[5n\x1b[6n\x1b[18t\x1b[14t\x1b[?2026$p\x1b[?u",
    b"\x1b]10;?;?;?\x07\x1b]4;1;?;2;?\x1b\\",
    b"\x1b]52;c;?\x07\x1b]52;c;YQ==\x07",
    b"\x1b]8;;http://x/\x07link\x1b]8;;\x07",
    b"\x1b]8;id=1;http://x/",
    b"\x1b]2;a title\x07\x1b[22t\x1b[23t",
    b"\x1b]7501;state=working:app=x\x07",
    b"\x1b]7501;state=blocked\x1b\\",
    b"\x1b]7501;state=idle\x07\x1b]7501;?\x07",
    b"\x1b]7501;",
    b"\x1b]",
    b"\x1bP+q",
    b"\x1b_",
    b"\x1b[",
    b"\x18",
    b"\x07",
    "宽".as_bytes(),
    "e\u{301}\u{301}\u{301}".as_bytes(),
    "\u{301}".as_bytes(),
    "👩‍👩‍👧".as_bytes(),
    "\u{200b}\u{feff}\u{202e}\u{ad}".as_bytes(),
    b"\xf0\x9f\x91",
    b"\xff\xfe\x80\xc0",
    "\r\n❯ 1. Yes\r\n  2. No\r\n".as_bytes(),
    "\r\n│ > say │\r\n╰────────────╯\r\n".as_bytes(),
    "\r\n│  ● Allow (once)\r\n│  ○ Deny\r\n└\r\n".as_bytes(),
    "\r\n Allow  Deny  ⇆ select\r\n".as_bytes(),
    b"\r\nCreate new file? (Y)es/(N)o [Yes]:",
    "\r\n╭──────────╮\r\n│ \x1b[1mYes\x1b[0m │\r\n│ No │\r\n╰──────────╯\r\n↑↓ navigate  Enter select\r\n"
        .as_bytes(),
    b"a\tb\x08\x08\r\n",
];

/// What the cases are made of.
pub struct Corpus {
    recordings: Vec<Recording>,
}

struct Recording {
    agent: AgentId,
    size: Size,
    events: Vec<Step>,
}

impl Corpus {
    /// Reads the recordings of all agents, each of which has a folder below this one.
    pub fn read(folder: &Path) -> io::Result<Self> {
        let mut recordings = Vec::new();
        for spec in agents::all() {
            let Ok(files) = fs::read_dir(folder.join(spec.id.as_str()).join("recordings")) else {
                continue;
            };
            let mut files: Vec<_> = files
                .map(|file| Ok(file?.path()))
                .collect::<io::Result<_>>()?;
            // The order of a folder differs from machine to machine.
            files.sort();
            for file in files {
                let (size, events) = play(&file)?;
                recordings.push(Recording {
                    agent: spec.id.clone(),
                    size,
                    events: events.into_iter().map(|(_, event)| step(event)).collect(),
                });
            }
        }
        Ok(Self { recordings })
    }

    pub fn recordings(&self) -> usize {
        self.recordings.len()
    }

    /// A case that follows from the random numbers alone.
    pub fn case(&self, random: &mut Random) -> Case {
        let (mut agent, mut size, mut steps) = match random.pick(&self.recordings) {
            Some(recording) if !random.one_in(8) => (
                recording.agent.clone(),
                recording.size,
                part(&recording.events, random),
            ),
            _ => (agents::all()[0].id.clone(), Size::DEFAULT, noise(random)),
        };
        if random.one_in(2)
            && let Some(other) = random.pick(agents::all())
        {
            agent = other.id.clone();
        }
        if random.one_in(3) {
            size = any_size(random);
        }
        for _ in 0..random.mostly_small(16) {
            self.damage(&mut steps, random);
        }
        if random.one_in(100) {
            grow(&mut steps, random);
        }
        Case {
            agent,
            size,
            sent: random.pick(SENT).copied().unwrap_or_default().to_owned(),
            cut: 1 + random.mostly_small(4096),
            steps: cut(steps, random),
        }
    }

    fn damage(&self, steps: &mut Vec<Step>, random: &mut Random) {
        let at = random.below(steps.len() + 1);
        match random.below(10) {
            0 => {
                if let Some(other) = random.pick(&self.recordings) {
                    let other = part(&other.events, random);
                    let few = other.into_iter().take(random.mostly_small(64));
                    steps.splice(at..at, few);
                }
            }
            1 => steps.truncate(at),
            2 => drop(steps.drain(..at / 2)),
            3 => {
                let end = (at + 1 + random.mostly_small(16)).min(steps.len());
                let again = steps[at.min(end)..end].to_vec();
                for _ in 0..=random.mostly_small(8) {
                    steps.splice(at..at, again.iter().cloned());
                }
            }
            4 => steps.insert(at, Step::Resize(any_size(random))),
            5 => steps.insert(at, Step::EndUpdate),
            6 => steps.insert(at, Step::Output(sequence(random))),
            7 => {
                if let Some(Step::Output(bytes)) = steps.get_mut(at) {
                    for _ in 0..=random.mostly_small(8) {
                        let place = random.below(bytes.len());
                        if let Some(byte) = bytes.get_mut(place) {
                            *byte = random.next() as u8;
                        }
                    }
                }
            }
            _ => {
                let piece = random.pick(PIECES).copied().unwrap_or_default();
                let piece = piece.repeat(1 + random.mostly_small(20));
                match steps.get_mut(at) {
                    Some(Step::Output(bytes)) => {
                        let place = random.below(bytes.len() + 1);
                        bytes.splice(place..place, piece);
                    }
                    _ => steps.push(Step::Output(piece)),
                }
            }
        }
    }
}

fn step(event: Played) -> Step {
    match event {
        Played::Output(data) => Step::Output(data.into_bytes()),
        Played::Resized(size) => Step::Resize(size),
    }
}

/// Some of a recording: from its beginning, where the modes are set, or from anywhere.
fn part(events: &[Step], random: &mut Random) -> Vec<Step> {
    let from = if random.one_in(2) {
        0
    } else {
        random.below(events.len())
    };
    let mut left = random.mostly_small(MOST);
    let fits = |step: &&Step| {
        left = left.saturating_sub(step.bytes());
        left > 0
    };
    events[from..].iter().take_while(fits).cloned().collect()
}

fn noise(random: &mut Random) -> Vec<Step> {
    let length = random.mostly_small(2048);
    let bytes = (0..length).map(|_| match random.below(4) {
        0 => random.next() as u8,
        1 => b"\x1b[]0;?\r\n"[random.below(8)],
        _ => 0x20 + random.below(0x5f) as u8,
    });
    vec![Step::Output(bytes.collect())]
}

/// A control sequence that may mean anything.
fn sequence(random: &mut Random) -> Vec<u8> {
    let mut bytes = b"\x1b[".to_vec();
    if random.one_in(3) {
        bytes.push(b"?>=<!"[random.below(5)]);
    }
    for place in 0..random.mostly_small(6) {
        if place > 0 {
            bytes.push(b";:"[random.below(2)]);
        }
        bytes.extend(random.mostly_small(70_000).to_string().into_bytes());
    }
    if random.one_in(5) {
        bytes.push(0x20 + random.below(0x10) as u8);
    }
    bytes.push(0x40 + random.below(0x3f) as u8);
    bytes
}

fn any_size(random: &mut Random) -> Size {
    // The largest make a case slow and find nothing that others do not.
    Size {
        rows: random.mostly_small(120) as u16,
        cols: random.mostly_small(200) as u16,
    }
}

/// Repeats something until it is large: what grows with it without a bound is seen so.
fn grow(steps: &mut Vec<Step>, random: &mut Random) {
    let mut piece = Vec::new();
    for _ in 0..=random.mostly_small(3) {
        piece.extend_from_slice(random.pick(PIECES).copied().unwrap_or_default());
        if random.one_in(2) {
            piece.extend(sequence(random));
        }
        if random.one_in(2) {
            piece.extend(std::iter::repeat_n(b'x', random.mostly_small(4096)));
        }
    }
    let times = random.mostly_small(GROWN) / piece.len().max(1);
    steps.push(Step::Output(piece.repeat(times)));
}

/// Cuts the output anew, and looks at the screen now and then.
fn cut(steps: Vec<Step>, random: &mut Random) -> Vec<Step> {
    let bytes: usize = steps.iter().map(Step::bytes).sum();
    // Much output in small pieces would take long and find no more.
    let longest = (bytes / 500).max(1 << (4 + random.below(14)));
    let mut looks = random.mostly_small(MOST_LOOKS);
    let between = 1 + random.below(50);
    let mut pieces = Vec::new();
    for step in steps {
        match step {
            Step::Output(bytes) => {
                let mut rest = bytes.as_slice();
                while !rest.is_empty() {
                    let length = (1 + random.mostly_small(longest)).min(rest.len());
                    let (piece, behind) = rest.split_at(length);
                    pieces.push(Step::Output(piece.to_vec()));
                    rest = behind;
                    if looks > 0 && random.one_in(between) {
                        looks -= 1;
                        pieces.push(Step::Look);
                    }
                }
            }
            other => pieces.push(other),
        }
    }
    pieces.push(Step::Look);
    pieces
}
