//! Signing in to a server in the browser, and out of it.

use crate::view::prelude::*;
use berth_protocol::{
    McpAuth, McpConfiguration, McpConfigurationId, McpDraft, McpEdit, McpRevoked, McpSigningIn,
};

use super::keep_focus;
use crate::components::button::{Button, Look};
use crate::components::icon::icon_name;
use crate::logic::mcp::is_asked_over_http;
use crate::state::{App, ToastKind, run};
use crate::strings::{fill, mcp, t};
use crate::web::{clock, dom, error::ApiError};

/// A button that begins a sign-in and opens its page.
pub fn button(app: App, server: &McpConfiguration) -> Option<AnyView> {
    if !is_asked_over_http(&server.draft.server) || matches!(server.draft.auth, McpAuth::Bearer) {
        return None;
    }
    let (id, busy) = (server.id, RwSignal::new(false));
    let begin = Callback::new(move |()| {
        run(busy, async move {
            match begin(app, id).await {
                Ok(()) => keep_focus(id),
                Err(error) => app.complain(&error),
            }
        });
    });
    let button = view! {
        <Button
            label=mcp().sign_in
            icon_name=icon_name!("log-in")
            look=Look::Primary
            testid="sign-in-mcp"
            busy=busy
            on_click=begin
        />
    };
    Some(button.into_any())
}

async fn begin(app: App, id: McpConfigurationId) -> Result<(), ApiError> {
    let Some(server) = app.mcp_now(id) else {
        return Ok(());
    };
    if !server.draft.is_oauth() {
        // It has said itself that it wants a sign-in.
        let edit = McpEdit {
            version: server.version,
            configuration: McpDraft {
                auth: McpAuth::Oauth {
                    provider: Default::default(),
                    client_id: None,
                    scopes: Vec::new(),
                    without_resource: false,
                },
                ..server.draft
            },
        };
        app.take_mcp(app.api().update_mcp(id, &edit).await?);
    }
    let server = app.api().sign_in_mcp(id).await?;
    // What was tried before says nothing of what comes of this.
    app.model.mcp_trials().update(|all| drop(all.remove(&id)));
    if let Some(waits) = &server.signing_in {
        dom::open_url(waits.url.clone());
    }
    app.take_mcp(server);
    Ok(())
}

/// What is shown while the browser is waited for.
pub fn waits(app: App, id: McpConfigurationId, waits: &McpSigningIn) -> AnyView {
    let cancelling = RwSignal::new(false);
    let url = waits.url.clone();
    let open = Callback::new(move |()| dom::open_url(url.clone()));
    let cancel = Callback::new(move |()| {
        run(cancelling, async move {
            match app.api().cancel_mcp_sign_in(id).await {
                Ok(server) => {
                    app.take_mcp(server);
                    keep_focus(id);
                }
                Err(error) => app.complain(&error),
            }
        });
    });
    view! {
        <div class="mcp-waits" data-testid="mcp-signing-in">
            <p class="mcp-note">
                {fill(mcp().signing_in_text, &[&waits.issuer, &clock::exact(waits.until)])}
            </p>
            <div class="mcp-waits-actions">
                <Button label=mcp().open_again icon_name=icon_name!("external-link") testid="open-sign-in" on_click=open/>
                <Button label=t().cancel look=Look::Quiet testid="cancel-sign-in" busy=cancelling on_click=cancel/>
            </div>
        </div>
    }
    .into_any()
}

/// A button that ends the sign-in.
pub fn out(app: App, id: McpConfigurationId) -> AnyView {
    let busy = RwSignal::new(false);
    let out = Callback::new(move |()| {
        run(busy, async move {
            match app.api().sign_out_mcp(id).await {
                Ok(out) => {
                    let name = out.configuration.draft.name.clone();
                    let (kind, text) = match (out.revoked, &out.why) {
                        (McpRevoked::Failed, why) => {
                            let why = why.as_deref().unwrap_or_default();
                            let text = fill(mcp().signed_out_not_revoked, &[&name, why]);
                            (ToastKind::Error, text)
                        }
                        (McpRevoked::NotOffered, _) => {
                            (ToastKind::Done, fill(mcp().signed_out_ends, &[&name]))
                        }
                        _ => (ToastKind::Done, fill(mcp().signed_out, &[&name])),
                    };
                    app.take_mcp(out.configuration);
                    app.ui.toast(kind, text, None);
                    keep_focus(id);
                }
                Err(error) => app.complain(&error),
            }
        });
    });
    view! {
        <Button label=mcp().sign_out icon_name=icon_name!("log-out") testid="sign-out-mcp" busy=busy on_click=out/>
    }
    .into_any()
}
