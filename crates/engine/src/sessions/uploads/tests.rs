use super::*;

#[test]
fn a_name_is_made_plain() {
    for (given, plain) in [
        ("notes.txt", "notes.txt"),
        ("Übersicht 2026.pdf", "Übersicht-2026.pdf"),
        ("U\u{308}bersicht.pdf", "U\u{308}bersicht.pdf"),
        ("報告.csv", "報告.csv"),
        (".env", ".env"),
        ("shot@2x.png", "shot@2x.png"),
        ("../../etc/passwd", "passwd"),
        ("/etc/passwd", "passwd"),
        ("C:\\Windows\\system.ini", "system.ini"),
        ("C:system.ini", "C-system.ini"),
        ("a/", "file"),
        ("", "file"),
        (".", "file"),
        ("..", "file"),
        ("...", "file"),
        (" ", "file"),
        ("-rf", "rf"),
        ("a.txt. ", "a.txt"),
        ("nul\0.txt", "nul-.txt"),
        ("a\r\nb", "a--b"),
        ("invoice\u{202e}fdp.exe", "invoice-fdp.exe"),
        ("a\u{200b}b\u{feff}c\u{3164}d", "a-b-c-d"),
        ("x;reboot", "x-reboot"),
        ("$(reboot)`x`'\"|&<>*?", "reboot--x"),
        ("CON", "_CON"),
        ("con.txt", "_con.txt"),
        ("Nul.tar.gz", "_Nul.tar.gz"),
        ("COM1", "_COM1"),
        ("lpt³.log", "_lpt³.log"),
        ("COM10", "COM10"),
        ("console", "console"),
    ] {
        assert_eq!(plain_name(given), plain, "{given:?}");
    }
}

#[test]
fn a_long_name_is_cut_between_letters_and_keeps_its_ending() {
    for letter in ["x", "é", "報", "𝒳"] {
        let name = plain_name(&format!("{}.tar", letter.repeat(500)));
        assert!(name.len() <= LONGEST_NAME, "{name}");
        assert!(name.len() > LONGEST_NAME - 5, "{name}");
        assert!(name.ends_with(&format!("{letter}.tar")), "{name}");
        let without = plain_name(&format!("a.{}", letter.repeat(500)));
        assert!(without.len() <= LONGEST_NAME, "{without}");
    }
}

#[test]
fn no_file_takes_the_place_of_another() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("uploads");
    for (content, wanted) in [("1", "a.txt"), ("2", "a-2.txt"), ("3", "a-3.txt")] {
        let (path, name) = keep(&place, "a.txt", content.as_bytes()).unwrap();
        assert_eq!(name, wanted);
        assert_eq!(Path::new(&path), place.join(wanted));
    }
    for (content, name) in [("1", "a.txt"), ("2", "a-2.txt"), ("3", "a-3.txt")] {
        assert_eq!(fs::read_to_string(place.join(name)).unwrap(), content);
    }
}

#[cfg(unix)]
#[test]
fn nobody_else_reads_a_file_and_no_link_leads_it_elsewhere() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = tempfile::tempdir().unwrap();
    let (place, elsewhere) = (folder.path().join("uploads"), folder.path().join("other"));
    fs::create_dir(&place).unwrap();
    symlink(&elsewhere, place.join("a.txt")).unwrap();
    let (path, name) = keep(&place, "a.txt", b"content").unwrap();
    assert_eq!(name, "a-2.txt");
    assert!(!elsewhere.exists());
    let mode = fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
