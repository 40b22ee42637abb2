//! Paths as they are shown: the home folder as `~`, and long ones shortened in the middle.

/// Replaces a leading home folder by `~`.
pub fn with_tilde(path: &str, home: Option<&str>) -> String {
    let home = home
        .map(|home| home.trim_end_matches(['/', '\\']))
        .filter(|home| !home.is_empty());
    match home.and_then(|home| path.strip_prefix(home)) {
        Some("") => "~".to_owned(),
        Some(rest) if rest.starts_with(['/', '\\']) => format!("~{rest}"),
        _ => path.to_owned(),
    }
}

/// Shortens a text to at most `max` characters by leaving out its middle. The end is kept longer
/// than the start, because that is where paths differ.
pub fn shorten(text: &str, max: usize) -> String {
    let count = text.chars().count();
    if count <= max || max < 3 {
        return text.to_owned();
    }
    let head = (max - 1) / 3;
    let tail = max - 1 - head;
    let start: String = text.chars().take(head).collect();
    let end: String = text.chars().skip(count - tail).collect();
    format!("{start}…{end}")
}

/// The last part of a path.
pub fn file_name(path: &str) -> &str {
    path.trim_end_matches(['/', '\\'])
        .rsplit(['/', '\\'])
        .next()
        .unwrap_or(path)
}

/// The folder part of a path in a workspace, with its `/`, and the file's name.
pub fn split_file(path: &str) -> (&str, &str) {
    path.rfind('/')
        .map_or(("", path), |at| path.split_at(at + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_home_folder_is_a_tilde() {
        assert_eq!(with_tilde("/home/ada/src/x", Some("/home/ada")), "~/src/x");
        assert_eq!(with_tilde("/home/ada", Some("/home/ada/")), "~");
        assert_eq!(
            with_tilde("/home/adam/x", Some("/home/ada")),
            "/home/adam/x"
        );
        assert_eq!(
            with_tilde("C:\\Users\\ada\\x", Some("C:\\Users\\ada")),
            "~\\x"
        );
        assert_eq!(with_tilde("/x", None), "/x");
    }

    #[test]
    fn long_texts_lose_their_middle() {
        assert_eq!(shorten("/a/b", 10), "/a/b");
        assert_eq!(shorten("0123456789abcdef", 10), "012…abcdef");
        assert_eq!(shorten("äöüäöüäöü", 4), "ä…öü");
    }

    #[test]
    fn a_path_has_a_folder_and_a_name() {
        assert_eq!(split_file("src/ui/mod.rs"), ("src/ui/", "mod.rs"));
        assert_eq!(split_file("README.md"), ("", "README.md"));
        assert_eq!(file_name("/srv/app/"), "app");
    }
}
