//! The providers of a router, a card for each.

use crate::view::prelude::*;
use berth_protocol::{ProviderProtocol, Router, RouterKind};

use super::draft::{Card, Draft};
use crate::components::button::{Button, IconButton};
use crate::components::field::{Options, SelectField, TextArea, TextField};
use crate::components::icon::{icon, icon_name};
use crate::components::stored_secret::{StoredSecret, Words};
use crate::logic::router_form::Form;
use crate::state::memo;
use crate::strings::{fill, router_editor};
use crate::web::{clock, dom};
use crate::wire::PROTOCOLS;

#[component]
pub fn Providers(draft: Draft, saved: RwSignal<Option<Router>>) -> impl IntoView {
    let rows = memo(move || {
        let cards = draft.cards.get();
        cards.iter().map(|card| card.row).collect::<Vec<_>>()
    });
    let add = Callback::new(move |()| {
        let row = draft.add_card();
        focus_card(row);
    });
    let none = draft.problem("providers");
    view! {
        <section class="form-part" aria-labelledby="router-providers">
            <h3 id="router-providers">{router_editor().providers}</h3>
            <For each=move || rows.get() key=|row| *row let:row>
                {card(draft, saved, row)}
            </For>
            {move || {
                none.get()
                    .map(|text| view! { <p class="field-problem" role="alert">{icon(icon_name!("circle-alert"))}<span>{text}</span></p> })
            }}
            <div class="form-more">
                <Button label=router_editor().add_provider icon_name=icon_name!("plus") testid="add-provider" on_click=add/>
            </div>
        </section>
    }
    .into_any()
}

fn focus_card(row: u32) {
    crate::web::task::spawn_local(async move {
        clock::next_frame().await;
        dom::focus(&format!("#provider-{row} input"));
    });
}

fn card(draft: Draft, saved: RwSignal<Option<Router>>, row: u32) -> AnyView {
    let cards = draft.cards.get_untracked();
    let Some(card) = cards.into_iter().find(|card| card.row == row) else {
        return ().into_any();
    };
    let shown_name = Signal::derive(move || {
        let name = card.name.get();
        match name.trim() {
            "" => router_editor().provider_unnamed.to_owned(),
            name => name.to_owned(),
        }
    });
    let only = memo(move || draft.cards.with(Vec::len) < 2);
    let remove = Callback::new(move |()| {
        draft
            .cards
            .update(|cards| cards.retain(|card| card.row != row));
        dom::focus("[data-testid=add-provider]");
    });
    let on_vertex = memo(move || card.speaks() == ProviderProtocol::VertexGemini);
    let of_v1 = memo(move || draft.kind.get() == RouterKind::CcrV1);
    view! {
        <div
            class="editor-card"
            id=format!("provider-{row}")
            role="group"
            data-testid="provider"
            aria-label=move || fill(router_editor().provider, &[&shown_name.get()])
        >
            <div class="fields">
                <TextField
                    label=router_editor().provider_name
                    value=card.name
                    hint=router_editor().provider_name_hint
                    problem=draft.card_problem(row, "name")
                    mono=true
                    testid="provider-name"
                />
                <SelectField
                    label=router_editor().protocol
                    value=card.protocol
                    options=Signal::derive(move || protocols(draft.kind.get(), &card.protocol.get()))
                    on_select=Callback::new(move |word| card.protocol.set(word))
                    problem=draft.card_problem(row, "protocol")
                    testid="provider-protocol"
                />
                <Show when=move || !on_vertex.get()>
                    <TextField
                        label=router_editor().address
                        value=card.base_url
                        hint=router_editor().address_hint
                        problem=draft.card_problem(row, "base_url")
                        placeholder="https://"
                        mono=true
                        wide=true
                        testid="provider-address"
                    />
                </Show>
                <TextArea
                    label=router_editor().models
                    value=card.models
                    hint=router_editor().models_hint
                    problem=draft.card_problem(row, "models")
                    mono=true
                    wide=true
                    rows=2
                    testid="provider-models"
                />
                <Show when=move || of_v1.get()>
                    <TextField
                        label=router_editor().transformers
                        value=card.transformers
                        hint=router_editor().transformers_hint
                        problem=draft.card_problem(row, "transformers")
                        mono=true
                        wide=true
                        testid="provider-transformers"
                    />
                </Show>
                <Show when=move || !on_vertex.get()>
                    <Key draft=draft saved=saved card=card shown_name=shown_name/>
                </Show>
            </div>
            <Show when=move || !only.get()>
                <span class="editor-card-remove">
                    <IconButton
                        name=icon_name!("trash-2")
                        label=Signal::derive(move || fill(router_editor().remove_provider, &[&shown_name.get()]))
                        testid="remove-provider"
                        on_click=remove
                    />
                </span>
            </Show>
        </div>
    }
    .into_any()
}

/// The key of a provider: a field while there is none, and what becomes of it when there is one.
#[component]
fn Key(
    draft: Draft,
    saved: RwSignal<Option<Router>>,
    card: Card,
    shown_name: Signal<String>,
) -> impl IntoView {
    let has_key = move || {
        let name = card.name.get();
        let name = name.trim();
        saved.with(|saved| {
            let keys = saved.as_ref().map(|router| &router.keys);
            keys.is_some_and(|keys| keys.iter().any(|known| known == name))
        })
    };
    let is_stored = memo(has_key);
    // The name under which the provider was saved: its key is there, and goes with the name.
    let old_name = saved.with_untracked(|saved| {
        let router = saved.as_ref()?;
        let form = Form::of(&router.name, &router.settings);
        let before = form
            .providers
            .into_iter()
            .find(|known| known.row == card.row)?;
        router.keys.contains(&before.name).then_some(before.name)
    });
    let hint = Signal::derive(move || {
        let name = card.name.get();
        match &old_name {
            Some(old) if *old != name.trim() && !is_stored.get() => {
                fill(router_editor().key_hint_renamed, &[old])
            }
            _ if card.provider().needs_key() => router_editor().key_hint.to_owned(),
            _ => router_editor().key_hint_local.to_owned(),
        }
    });
    let words = Words {
        label: router_editor().key,
        replace: router_editor().key_replace_of,
        remove: router_editor().key_remove_of,
        keep: router_editor().key_keep_of,
        testid: "provider-key",
    };
    view! {
        <StoredSecret
            words=words
            id=format!("provider-key-{}", card.row)
            value=card.key
            kept=card.stored
            is_stored=is_stored
            of=shown_name
            hint=hint
            problem=draft.card_problem(card.row, "key")
        />
    }
    .into_any()
}

/// What a provider of this kind of router can speak, and what this one does.
fn protocols(kind: RouterKind, now: &str) -> Options {
    let offered = |(protocol, word): &&(ProviderProtocol, &str)| {
        *protocol != ProviderProtocol::VertexGemini || kind == RouterKind::CcrV1 || *word == now
    };
    PROTOCOLS
        .iter()
        .filter(offered)
        .map(|(protocol, word)| {
            let shown = match protocol {
                ProviderProtocol::OpenaiChat => router_editor().protocol_openai_chat,
                ProviderProtocol::OpenaiResponses => router_editor().protocol_openai_responses,
                ProviderProtocol::Anthropic => router_editor().protocol_anthropic,
                ProviderProtocol::Gemini => router_editor().protocol_gemini,
                ProviderProtocol::VertexGemini => router_editor().protocol_vertex_gemini,
            };
            ((*word).to_owned(), shown.to_owned())
        })
        .collect()
}
