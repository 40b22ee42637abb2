//! Keeps foreign pages out of the window: the window has a token for the engine, they must not.

use tauri::Url;

use crate::error::CommandError;
use crate::text;

/// What becomes of an address that the page goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    /// The page itself.
    Window,
    /// Any other page of the web.
    Browser,
    /// Everything else.
    Nowhere,
}

/// Decides where an address is shown.
pub(crate) fn destination(url: &Url) -> Destination {
    match (url.scheme(), url.host_str()) {
        ("tauri", Some("localhost")) => Destination::Window,
        // Windows has no schemes of an app's own for pages.
        ("http" | "https", Some("tauri.localhost")) if cfg!(windows) => Destination::Window,
        // Every web view starts with it, and no content of others can be in it.
        ("about", _) if url.path() == "blank" => Destination::Window,
        ("http" | "https", Some(_)) => Destination::Browser,
        _ => Destination::Nowhere,
    }
}

/// Whether the window may show this address. If not, the browser shows it, where that is safe.
pub(crate) fn allow(url: &Url) -> bool {
    match destination(url) {
        Destination::Window => return true,
        Destination::Browser => {
            if let Err(error) = open_in_browser(url.as_str()) {
                tracing::warn!(code = error.code, "{}", error.message);
            }
        }
        Destination::Nowhere => {
            tracing::warn!("{}", text::address_refused(url.scheme()));
        }
    }
    false
}

/// Opens an address in the system's browser, if it is one of the web. Other schemes would start
/// other programs, with arguments that a page chose.
pub(crate) fn open_in_browser(url: &str) -> Result<(), CommandError> {
    let parsed = Url::parse(url)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let Some(parsed) = parsed else {
        return Err(CommandError {
            code: "window.address_refused",
            message: text::address_refused(url),
            hint: text::ADDRESS_REFUSED_HINT,
        });
    };
    tauri_plugin_opener::open_url(parsed.as_str(), None::<&str>).map_err(|error| CommandError {
        code: "window.browser_failed",
        message: text::browser_failed(url, &error.to_string()),
        hint: text::BROWSER_FAILED_HINT,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, expected: Destination) {
        assert_eq!(destination(&Url::parse(url).unwrap()), expected, "{url}");
    }

    #[test]
    fn only_the_page_itself_is_shown_in_the_window() {
        check("tauri://localhost/", Destination::Window);
        check("tauri://localhost/sessions?x=1#y", Destination::Window);
        check("about:blank", Destination::Window);
        check("tauri://example.org/", Destination::Nowhere);
        check("https://example.org/", Destination::Browser);
        check("http://127.0.0.1:4000/", Destination::Browser);
        check("file:///etc/passwd", Destination::Nowhere);
        check("data:text/html,x", Destination::Nowhere);
        check("javascript:alert(1)", Destination::Nowhere);
        check("vscode://open?file=x", Destination::Nowhere);
    }

    #[test]
    fn only_the_web_is_opened_in_the_browser() {
        for url in ["file:///etc/passwd", "vscode://x", "--version", "", "/tmp"] {
            let error = open_in_browser(url).unwrap_err();
            assert_eq!(error.code, "window.address_refused", "{url}");
        }
    }
}
