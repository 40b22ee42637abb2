//! The page that the browser shows at the end of a sign-in. It needs no script; with one it closes itself and
//! takes the code out of the browser's history.

use base64::{Engine, engine::general_purpose::STANDARD};

/// What it says.
#[derive(Clone, Copy, Debug)]
pub enum Page<'a> {
    /// It has worked.
    SignedIn,
    /// It has, and something more is asked for in the app.
    Halfway,
    /// It has not, for this reason.
    Failed(&'a str),
    /// The request is not the answer that is waited for.
    Stranger,
    /// The request is none that is answered, with this status.
    Refused(u16),
}

/// The whole answer.
pub(crate) fn response(page: Page<'_>) -> String {
    let (status, title, text) = match page {
        Page::SignedIn => (
            200,
            "You are signed in",
            "You can close this page and go back to Berth.",
        ),
        Page::Halfway => (
            200,
            "Go back to Berth",
            "It asks for your second factor. You can close this page.",
        ),
        Page::Failed(why) => (400, "You are not signed in", why),
        Page::Stranger => (
            400,
            "This is not the sign-in that Berth waits for",
            "Begin again in Berth, and follow the page that it opens.",
        ),
        Page::Refused(status) => (status, "There is nothing here", "Go back to Berth."),
    };
    let closes = matches!(page, Page::SignedIn | Page::Halfway);
    let is_signed_in = matches!(page, Page::SignedIn);
    let nonce = STANDARD.encode(rand::random::<[u8; 16]>());
    let script = if closes {
        "history.replaceState(null,'','/');window.close()"
    } else {
        "history.replaceState(null,'','/')"
    };
    let (title, text) = (escaped(title), escaped(text));
    let body = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><style nonce=\"{nonce}\">\
         :root{{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}}\
         main{{max-width:32rem;margin:20vh auto;padding:0 1rem}}</style></head>\
         <body><main data-signed-in=\"{is_signed_in}\"><h1>{title}</h1><p>{text}</p></main>\
         <script nonce=\"{nonce}\">{script}</script></body></html>"
    );
    let length = body.len();
    let reason = if status == 200 { "OK" } else { "Refused" };
    format!(
        "HTTP/1.1 {status} {reason}\r\nContent-Type: text/html; charset=utf-8\r\n\
         Content-Length: {length}\r\nConnection: close\r\nCache-Control: no-store\r\n\
         Content-Security-Policy: default-src 'none'; script-src 'nonce-{nonce}'; \
         style-src 'nonce-{nonce}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n\
         X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n\r\n{body}"
    )
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_is_text_and_nothing_is_fetched() {
        let answer = response(Page::Failed("<script>alert(1)</script>"));
        assert!(answer.contains("&lt;script&gt;alert(1)"), "{answer}");
        assert!(!answer.contains("<script>"), "{answer}");
        assert!(
            !answer.contains("window.close"),
            "a failure stays to be read"
        );
        assert!(answer.contains("default-src 'none'"), "{answer}");
        assert!(
            !answer.contains("http:") && !answer.contains("https:"),
            "{answer}"
        );
    }
}
