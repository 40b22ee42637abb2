//! What is done about words that try to override higher scopes.

use crate::view::prelude::*;
use berth_protocol::{PromptPolicy, SanitizePolicy};

use crate::components::field::SelectField;
use crate::state::{app, memo, run};
use crate::strings::{fill, org_prompts, prompt_pages};
use crate::wire::POLICIES;

#[component]
pub fn PolicyPicker() -> impl IntoView {
    let app = app();
    let busy = RwSignal::new(false);
    let policy = memo(move || {
        let prompts = app.model.prompts().get();
        prompts.list.map(|list| list.policy.sanitize)
    });
    let least = memo(move || {
        let prompts = app.model.prompts().get();
        prompts.list.and_then(|list| list.least)
    });
    // Counts up to put the select back to what holds when a choice was refused.
    let refused = RwSignal::new(0_u32);
    let value = Signal::derive(move || {
        refused.track();
        let known = POLICIES
            .iter()
            .find(|(known, _)| Some(*known) == policy.get());
        known.map_or(String::new(), |(_, word)| (*word).to_owned())
    });
    let select = Callback::new(move |word: String| {
        let Some((sanitize, _)) = POLICIES.into_iter().find(|(_, known)| *known == word) else {
            return;
        };
        run(busy, async move {
            let answer = app.api().set_prompt_policy(PromptPolicy { sanitize }).await;
            if let Err(error) = answer {
                app.complain(&error);
                refused.update(|count| *count += 1);
            }
            app.fetch_prompts();
        });
    });
    let options = POLICIES.map(|(policy, word)| (word.to_owned(), name(policy).to_owned()));
    let options = Signal::stored(options.to_vec());
    view! {
        <Show when=move || policy.get().is_some()>
            <section class="setting prompt-policy">
                <header><div><h2>{prompt_pages().policy}</h2><p>{prompt_pages().policy_text}</p></div></header>
                <SelectField
                    label=prompt_pages().policy_label
                    value=value
                    options=options
                    on_select=select
                    hint=Signal::derive(move || policy.get().map_or("", text).to_owned())
                    testid="prompt-policy"
                />
                {move || {
                    least
                        .get()
                        .map(|least| {
                            let text = fill(org_prompts().least, &[self::name(least)]);
                            view! { <p class="prompts-note" role="status" data-testid="prompt-policy-least">{text}</p> }
                        })
                }}
            </section>
        </Show>
    }
    .into_any()
}

fn name(policy: SanitizePolicy) -> &'static str {
    match policy {
        SanitizePolicy::Warn => prompt_pages().policy_warn,
        SanitizePolicy::Redact => prompt_pages().policy_redact,
        SanitizePolicy::Reject => prompt_pages().policy_reject,
    }
}

fn text(policy: SanitizePolicy) -> &'static str {
    match policy {
        SanitizePolicy::Warn => prompt_pages().policy_warn_text,
        SanitizePolicy::Redact => prompt_pages().policy_redact_text,
        SanitizePolicy::Reject => prompt_pages().policy_reject_text,
    }
}
