use std::fs;

use super::*;

#[test]
fn a_last_line_without_line_feed_counts() {
    for (text, expected) in [
        ("", 0),
        ("\n", 1),
        ("a", 1),
        ("a\n", 1),
        ("a\nb", 2),
        ("\n\n", 2),
    ] {
        assert_eq!(lines(text.as_bytes()), expected, "{text:?}");
    }
}

#[test]
fn long_and_binary_files_are_not_read_as_text() {
    let folder = tempfile::tempdir().unwrap();
    let check = |bytes: &[u8]| {
        fs::write(folder.path().join("f"), bytes).unwrap();
        read(folder.path(), b"f").unwrap()
    };
    let limit = usize::try_from(MAX_TEXT).unwrap();
    assert_eq!(check(b"x"), Content::Text(b"x".to_vec()));
    assert_eq!(check(b"x\0"), Content::Binary);
    assert_eq!(check(&vec![b'x'; limit + 1]), Content::Binary);
    assert_eq!(check(&vec![b'x'; limit]), Content::Text(vec![b'x'; limit]));
    assert_eq!(read(folder.path(), b"").unwrap(), Content::Other);
}

#[cfg(unix)]
#[test]
fn a_link_is_not_followed_and_a_pipe_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/etc/passwd", folder.path().join("link")).unwrap();
    let found = read(folder.path(), b"link").unwrap();
    assert_eq!(found, Content::Link(b"/etc/passwd".to_vec()));
    let mode = nix::sys::stat::Mode::S_IRUSR;
    nix::unistd::mkfifo(&folder.path().join("pipe"), mode).unwrap();
    assert_eq!(read(folder.path(), b"pipe").unwrap(), Content::Other);
    assert!(open(&folder.path().join("link")).is_err());
}
