//! The command or address of a server, whole, with everything made visible that is in it.

use crate::view::prelude::*;
use berth_protocol::McpServer;

use crate::logic::mcp::{Given, Piece, number, pieces, words};
use crate::state::app;
use crate::strings::mcp;

/// All of it in as few lines as it takes.
pub fn command_line(server: &McpServer) -> AnyView {
    let words = words(server).into_iter().map(|word| {
        let word = shown(word);
        view! { <code>{word}</code>" " }
    });
    view! { <p class="mcp-line" data-testid="mcp-command">{words.collect_view()}</p> }.into_any()
}

/// Its variables or headers, each on a line of its own: plain ones with their values, secrets by their names.
/// Nothing where it has none.
pub fn given(server: &McpServer, testid: &'static str) -> Option<AnyView> {
    let all = crate::logic::mcp::given(server);
    if all.is_empty() {
        return None;
    }
    let between = match server {
        McpServer::Stdio { .. } => "=",
        McpServer::Http { .. } | McpServer::Sse { .. } => ": ",
    };
    let all = all.into_iter().map(|one| match one {
        Given::Plain(name, value) => {
            let (name, value) = (shown(name), shown(value));
            view! { <li><code data-testid=testid>{name}{between}{value}</code></li> }.into_any()
        }
        Given::Secret(name) => {
            let name = shown(name);
            view! {
                <li>
                    <code data-testid=testid>{name}" "<span class="mcp-kept">{app().kept_in(mcp().in_keychain)}</span></code>
                </li>
            }
            .into_any()
        }
    });
    let all = all.collect_view();
    Some(view! { <ul class="mcp-given">{all}</ul> }.into_any())
}

/// A text with the characters in it that cannot be seen written as their numbers.
pub fn shown(text: &str) -> AnyView {
    if text.is_empty() {
        return view! { <span class="unseen">{mcp().empty_word}</span> }.into_any();
    }
    let pieces = pieces(text).into_iter().map(|piece| match piece {
        Piece::Seen(text) => text.into_any(),
        Piece::Unseen(c) => {
            view! { <span class="unseen" data-testid="unseen">{number(c)}</span> }.into_any()
        }
    });
    pieces.collect_view()
}
