//! What the page says when nothing gave it the engine's token.

use crate::view::prelude::*;

use crate::components::copy_value::CopyValue;
use crate::strings::t;

/// The command that opens the page with a token.
const COMMAND: &str = "berth open";

#[component]
pub fn NoTokenPage() -> impl IntoView {
    view! {
        <main class="no-token" data-testid="no-token">
            <span class="first-mark" aria-hidden="true"></span>
            <h1>{t().no_token}</h1>
            <p>{t().no_token_text}</p>
            <div class="no-token-command">
                <CopyValue label=t().command value=Signal::stored(COMMAND.to_owned()) shown=Signal::stored(COMMAND.to_owned())/>
            </div>
            <p class="no-token-why">{t().no_token_why}</p>
        </main>
    }
    .into_any()
}
