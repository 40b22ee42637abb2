//! Whether the user agrees that Berth starts a program or asks an address: with all of it before their eyes.
//!
//! What is agreed to is the version that is shown. It stays what it was when the question was asked, so that
//! nothing takes its place under the pointer; should it be another one by now, the engine refuses.

use crate::view::prelude::*;
use berth_protocol::{Code, McpConfigurationId, McpServer};

use crate::components::button::{Button, Look};
use crate::components::dialog::Dialog;
use crate::components::mcp_card::{enable, keep_focus};
use crate::components::mcp_command::{given, shown};
use crate::components::notice::InlineFailure;
use crate::state::{App, McpThen, app, memo, run};
use crate::strings::{fill, form_parts, mcp, t};
use crate::web::error::ApiError;

#[component]
pub fn McpConsentDialog(id: McpConfigurationId, then: McpThen) -> impl IntoView {
    let app = app();
    let Some(server) = app.mcp_now(id) else {
        return ().into_any();
    };
    let now = RwSignal::new(server);
    let title = memo(move || {
        now.with(|server| {
            let question = match is_program(&server.draft.server) {
                true => mcp().consent_program,
                false => mcp().consent_address,
            };
            fill(question, &[&server.draft.name])
        })
    });
    let text = move || match now.with(|server| is_program(&server.draft.server)) {
        true => mcp().consent_program_text,
        false => mcp().consent_address_text,
    };
    let (busy, failure) = (RwSignal::new(false), RwSignal::new(None::<ApiError>));
    let agree = Callback::new(move |()| {
        let version = now.with_untracked(|server| server.version);
        failure.set(None);
        run(busy, async move {
            match agreed(app, id, version, then).await {
                Ok(()) => close(app, id),
                Err(error) => {
                    app.fetch_mcp();
                    failure.try_set(Some(error));
                }
            }
        });
    });
    let look_again = Callback::new(move |()| {
        if let Some(server) = app.mcp_now(id) {
            now.set(server);
            failure.set(None);
        }
    });
    let action = match then {
        McpThen::Nothing => mcp().agree,
        McpThen::Test => mcp().agree_test,
        McpThen::Enable => mcp().agree_enable,
    };
    view! {
        <Dialog label=title class="mcp-consent" sticky=true>
            <header class="dialog-head">
                <h2 class="dialog-title">{title}</h2>
                <p class="dialog-text">{text}</p>
            </header>
            // It is what is to be read, so it has the focus and can be scrolled by keyboard.
            <div
                class="dialog-main"
                tabindex="0"
                role="group"
                aria-label=mcp().consent_label
                data-testid="mcp-consent"
            >
                {move || now.with(|server| whole(&server.draft.server))}
            </div>
            {move || {
                failure
                    .get()
                    .map(|error| {
                        let stale = error.code() == Some(Code::McpConflict);
                        let (text, hint) = match stale {
                            true => (mcp().consent_stale.to_owned(), None),
                            false => (error.text(), error.hint()),
                        };
                        view! {
                            <div class="editor-told">
                                <InlineFailure text=text hint=hint.unwrap_or_default()>
                                    {stale
                                        .then(|| {
                                            view! {
                                                <div class="inline-actions">
                                                    <Button label=mcp().show_now testid="show-now" on_click=look_again/>
                                                </div>
                                            }
                                        })}
                                </InlineFailure>
                            </div>
                        }
                    })
            }}
            <footer class="dialog-foot">
                <Button label=t().cancel look=Look::Quiet on_click=Callback::new(move |()| app.ui.close_dialog())/>
                <Button label=action look=Look::Primary testid="agree" busy=busy on_click=agree/>
            </footer>
        </Dialog>
    }
    .into_any()
}

/// Tells the engine, and does what the question was asked for.
async fn agreed(
    app: App,
    id: McpConfigurationId,
    version: u32,
    then: McpThen,
) -> Result<(), ApiError> {
    let server = app.api().consent_mcp(id, version).await?;
    app.take_mcp(server.clone());
    match then {
        McpThen::Nothing => {}
        McpThen::Test => app.test_mcp(id),
        McpThen::Enable => enable(app, &server, true).await?,
    }
    Ok(())
}

/// Closes the dialog. The button that opened it may be gone with what it asked for.
fn close(app: App, id: McpConfigurationId) {
    app.ui.close_dialog();
    keep_focus(id);
}

fn is_program(server: &McpServer) -> bool {
    matches!(server, McpServer::Stdio { .. })
}

/// All that is agreed to: each argument on a line of its own, and all that is given besides.
fn whole(server: &McpServer) -> AnyView {
    let part = |title: &'static str, content: AnyView| {
        view! { <section class="consent-part"><h3>{title}</h3>{content}</section> }.into_any()
    };
    let word = |text: &str, testid: &'static str| {
        let text = shown(text);
        view! { <code class="consent-word" data-testid=testid>{text}</code> }.into_any()
    };
    let listed = |words: &[String]| {
        let words = words.iter().map(|text| {
            let word = word(text, "consent-arg");
            view! { <li>{word}</li> }
        });
        let words = words.collect_view();
        // The order of arguments matters.
        view! { <ol class="consent-words">{words}</ol> }.into_any()
    };
    let (first, more) = match server {
        McpServer::Stdio { command, args, .. } => {
            let args = match args.is_empty() {
                true => view! { <p class="mcp-note">{mcp().no_args}</p> }.into_any(),
                false => listed(args),
            };
            (
                part(form_parts().program, word(command, "consent-command")),
                Some(part(form_parts().agent_args, args)),
            )
        }
        McpServer::Http { url, .. } | McpServer::Sse { url, .. } => {
            (part(mcp().url, word(url, "consent-url")), None)
        }
    };
    let given_title = match server {
        McpServer::Stdio { .. } => form_parts().agent_env,
        McpServer::Http { .. } | McpServer::Sse { .. } => mcp().headers,
    };
    let given = given(server, "consent-given").map(|given| part(given_title, given));
    view! { {first}{more}{given} }
}
