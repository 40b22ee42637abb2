//! Everything that the shell itself says to people, in one place so that it can be translated.
//! The UI's words are in `ui/`.

/// Title of the window and of its messages.
pub(crate) const TITLE: &str = "Berth";

/// Title of the folder picker.
pub(crate) const PICK_FOLDER: &str = "Choose a project folder";

/// Said once, when the window is closed while sessions run.
pub(crate) fn sessions_go_on(count: usize) -> String {
    let what = if count == 1 {
        "1 session keeps running".to_owned()
    } else {
        format!("{count} sessions keep running")
    };
    let them = if count == 1 { "it" } else { "them" };
    format!(
        "{what} after the window is closed. Reopen Berth to see {them}.\n\n\
         To end the engine and all sessions, run: berth stop"
    )
}

/// An address that the system's browser must not be given.
pub(crate) fn address_refused(url: &str) -> String {
    format!("the address {url} was not opened")
}

/// What to do about [`address_refused`].
pub(crate) const ADDRESS_REFUSED_HINT: &str = "Only http and https addresses open in the browser.";

/// The system could not start a browser.
pub(crate) fn browser_failed(url: &str, reason: &str) -> String {
    format!("{url} could not be opened in the browser: {reason}")
}

/// What to do about [`browser_failed`].
pub(crate) const BROWSER_FAILED_HINT: &str = "Set a default browser, or copy the address into one.";

/// A file could not be saved.
pub(crate) fn save_failed(path: &std::path::Path, reason: &str) -> String {
    format!("{} could not be saved: {reason}", path.display())
}

/// What to do about [`save_failed`].
pub(crate) const SAVE_FAILED_HINT: &str = "Check that your downloads folder can be written to.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_close_notice_counts_sessions() {
        assert!(sessions_go_on(1).starts_with("1 session keeps running"));
        assert!(sessions_go_on(2).starts_with("2 sessions keep running"));
    }
}
