//! The fields of the editor beside its secrets.

use crate::view::prelude::*;
use berth_protocol::McpConfiguration;

use super::draft::Draft;
use crate::components::field::{CheckField, SelectField, TextArea, TextField};
use crate::components::stored_secret::{StoredSecret, Words};
use crate::components::target_choice::TargetChoice;
use crate::logic::mcp_form::{Auth, Kind, PROVIDERS};
use crate::state::{app, memo};
use crate::strings::{form_parts, mcp, t};

/// How it is called and reached.
#[component]
pub fn Basics(draft: Draft, autofocus: bool) -> impl IntoView {
    let kinds = Kind::ALL.map(|kind| {
        let shown = match kind {
            Kind::Stdio => mcp().kind_stdio,
            Kind::Http => mcp().kind_http,
            Kind::Sse => mcp().kind_sse,
        };
        (kind.word().to_owned(), shown.to_owned())
    });
    let is_program = memo(move || draft.kind.get() == Kind::Stdio);
    view! {
        <div class="fields">
            <TextField
                label=t().name
                value=draft.name
                hint=mcp().name_hint
                problem=draft.problem("name")
                autofocus=autofocus
                mono=true
                testid="mcp-name"
            />
            <SelectField
                label=mcp().kind
                value=Signal::derive(move || draft.kind.get().word().to_owned())
                options=Signal::stored(kinds.to_vec())
                on_select=Callback::new(move |word: String| {
                    if let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.word() == word) {
                        draft.kind.set(kind);
                    }
                })
                testid="mcp-kind"
            />
            {move || match is_program.get() {
                true => program(draft),
                false => address(draft),
            }}
        </div>
    }
    .into_any()
}

fn program(draft: Draft) -> AnyView {
    view! {
        <TextField
            label=form_parts().program
            value=draft.command
            hint=mcp().command_hint
            problem=draft.problem("command")
            mono=true
            wide=true
            testid="mcp-command-field"
        />
        <TextArea
            label=form_parts().agent_args
            value=draft.args
            hint=mcp().args_hint
            problem=draft.problem("args")
            mono=true
            wide=true
            rows=2
            testid="mcp-args"
        />
        <TextArea
            label=form_parts().agent_env
            value=draft.env
            hint=form_parts().agent_env_hint
            problem=draft.problem("env")
            mono=true
            wide=true
            rows=2
            testid="mcp-env"
        />
    }
}

fn address(draft: Draft) -> AnyView {
    view! {
        <TextField
            label=mcp().url
            value=draft.url
            hint=mcp().url_hint
            problem=draft.problem("url")
            placeholder="https://"
            mono=true
            wide=true
            testid="mcp-url"
        />
        <TextArea
            label=mcp().headers
            value=draft.headers
            hint=mcp().headers_hint
            problem=draft.problem("headers")
            mono=true
            wide=true
            rows=2
            testid="mcp-headers"
        />
    }
}

/// How Berth proves who it is. A program does that by itself.
#[component]
pub fn SignIn(draft: Draft, saved: RwSignal<Option<McpConfiguration>>) -> impl IntoView {
    let ways = Auth::ALL.map(|way| {
        let shown = match way {
            Auth::None => mcp().auth_none,
            Auth::Bearer => mcp().auth_bearer,
            Auth::Oauth => mcp().auth_oauth,
        };
        (way.word().to_owned(), shown.to_owned())
    });
    let app = app();
    let hint = Signal::derive(move || match draft.auth.get() {
        Auth::Oauth => app.kept_in(mcp().auth_oauth_hint),
        Auth::None | Auth::Bearer => String::new(),
    });
    let way = memo(move || draft.auth.get());
    view! {
        <section class="form-part" aria-labelledby="mcp-sign-in">
            <h3 id="mcp-sign-in">{mcp().auth}</h3>
            <div class="fields">
                <SelectField
                    label=mcp().auth_way
                    value=Signal::derive(move || draft.auth.get().word().to_owned())
                    options=Signal::stored(ways.to_vec())
                    on_select=Callback::new(move |word: String| {
                        if let Some(way) = Auth::ALL.into_iter().find(|way| way.word() == word) {
                            draft.auth.set(way);
                        }
                    })
                    hint=hint
                    problem=draft.problem("auth")
                    wide=true
                    testid="mcp-auth"
                />
                {move || match way.get() {
                    Auth::None => ().into_any(),
                    Auth::Bearer => token(draft, saved),
                    Auth::Oauth => oauth(draft, saved),
                }}
            </div>
        </section>
    }
    .into_any()
}

/// A secret that has no row, because there is one of it.
fn words(label: &'static str, testid: &'static str) -> Words {
    Words {
        label,
        replace: form_parts().secret_replace_of,
        remove: form_parts().secret_remove_of,
        keep: form_parts().secret_keep_of,
        testid,
    }
}

fn is_kept(saved: RwSignal<Option<McpConfiguration>>, name: &'static str) -> Memo<bool> {
    memo(move || {
        saved.with(|saved| {
            let server = saved.as_ref();
            server.is_some_and(|server| server.kept_secrets.contains(name))
        })
    })
}

fn token(draft: Draft, saved: RwSignal<Option<McpConfiguration>>) -> AnyView {
    view! {
        <StoredSecret
            words=words(mcp().token, "mcp-token")
            id=String::from("mcp-token")
            value=draft.token
            kept=draft.token_kept
            is_stored=is_kept(saved, "token")
            of=Signal::from(mcp().token)
            hint=Signal::from(app().kept_in(form_parts().secret_value_hint))
            problem=draft.problem("token")
        />
    }
    .into_any()
}

fn oauth(draft: Draft, saved: RwSignal<Option<McpConfiguration>>) -> AnyView {
    let names = [
        mcp().oauth_discovered,
        "GitHub",
        "Google",
        "Auth0",
        "Microsoft Entra",
    ];
    let providers = PROVIDERS.iter().zip(names);
    let providers: Vec<_> = providers
        .map(|((_, word), shown)| ((*word).to_owned(), shown.to_owned()))
        .collect();
    let provider = Signal::derive(move || {
        let now = draft.provider.get();
        let known = PROVIDERS.iter().find(|(provider, _)| *provider == now);
        known.map_or("", |(_, word)| word).to_owned()
    });
    let with_client = memo(move || draft.client_id.with(|id| !id.trim().is_empty()));
    view! {
        <SelectField
            label=mcp().oauth_provider
            value=provider
            options=Signal::stored(providers)
            on_select=Callback::new(move |word: String| {
                if let Some((provider, _)) = PROVIDERS.iter().find(|(_, known)| *known == word) {
                    draft.provider.set(*provider);
                }
            })
            testid="mcp-provider"
        />
        <TextField
            label=mcp().oauth_scopes
            value=draft.scopes
            hint=mcp().oauth_scopes_hint
            problem=draft.problem("auth.scopes")
            mono=true
            testid="mcp-scopes"
        />
        <TextField
            label=mcp().oauth_client
            value=draft.client_id
            hint=mcp().oauth_client_hint
            problem=draft.problem("auth.client_id")
            mono=true
            wide=true
            testid="mcp-client-id"
        />
        <Show when=move || with_client.get()>
            <StoredSecret
                words=words(mcp().oauth_client_secret, "mcp-client-secret")
                id=String::from("mcp-client-secret")
                value=draft.client_secret
                kept=draft.client_kept
                is_stored=is_kept(saved, "client_secret")
                of=Signal::from(mcp().oauth_client_secret)
                hint=Signal::from(app().kept_in(mcp().oauth_client_secret_hint))
                problem=draft.problem("client_secret")
            />
        </Show>
        <CheckField
            label=mcp().oauth_without_resource
            checked=draft.without_resource
            hint=mcp().oauth_without_resource_hint
            testid="mcp-without-resource"
        />
    }
}

/// Whether and to whom it is given.
#[component]
pub fn Giving(draft: Draft) -> impl IntoView {
    view! {
        <section class="form-part" aria-labelledby="mcp-target">
            <h3 id="mcp-target">{form_parts().prompt_target}</h3>
            <p class="form-text">{form_parts().prompt_target_hint}</p>
            <CheckField
                label=form_parts().prompt_enabled
                checked=draft.enabled
                hint=mcp().enabled_hint
                testid="mcp-enabled"
            />
            <TargetChoice agents=draft.agents projects=draft.projects/>
        </section>
        <section class="form-part" aria-labelledby="mcp-offers">
            <h3 id="mcp-offers">{mcp().offers}</h3>
            <p class="form-text">{mcp().offers_text}</p>
            <CheckField
                label=mcp().sampling
                checked=draft.sampling
                hint=mcp().sampling_hint
                testid="mcp-sampling"
            />
            <CheckField
                label=mcp().roots
                checked=draft.roots
                hint=mcp().roots_hint
                testid="mcp-roots"
            />
        </section>
    }
    .into_any()
}
