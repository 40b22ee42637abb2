use super::*;

const SIZE: Size = Size { rows: 5, cols: 20 };

#[test]
fn a_recording_plays_back_what_was_printed_even_when_characters_are_cut() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("1.cast");
    let mut recorder = Recorder::create(&path, SIZE, "test", CAP).unwrap();
    let text = "é宽👍 \x1b[31mred\x1b[0m";
    for byte in text.bytes() {
        recorder.output(&[byte]).unwrap();
    }
    recorder.output(b"\xff!").unwrap();
    recorder.resized(Size { rows: 6, cols: 30 }).unwrap();
    let (size, events) = play(&path).unwrap();
    assert_eq!(size, SIZE);
    let output: String = events
        .iter()
        .filter_map(|(_, event)| match event {
            Played::Output(data) => Some(data.as_str()),
            Played::Resized(_) => None,
        })
        .collect();
    assert_eq!(output, format!("{text}\u{fffd}!"));
    let terminal = final_terminal(&path).unwrap();
    assert_eq!(terminal.size(), Size { rows: 6, cols: 30 });
    assert_eq!(terminal.screen().text, "é宽👍 red\u{fffd}!");
}

#[test]
fn a_recording_stops_at_its_cap_and_stays_readable() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("1.cast");
    let mut recorder = Recorder::create(&path, SIZE, "test", 1000).unwrap();
    let mut taken = 0;
    while recorder.output(b"0123456789\r\n").unwrap() == Recorded::All {
        taken += 1;
    }
    assert!(std::fs::metadata(&path).unwrap().len() < 1200);
    assert_eq!(play(&path).unwrap().1.len(), taken);
}

#[test]
fn a_line_that_a_kill_cut_ends_the_recording() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("1.cast");
    Recorder::create(&path, SIZE, "test", CAP)
        .unwrap()
        .output(b"kept")
        .unwrap();
    let mut file = OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(b"[1.0,\"o\",\"cu").unwrap();
    assert_eq!(final_terminal(&path).unwrap().screen().text, "kept");
}
