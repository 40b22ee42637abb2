//! All prompts by scope, and what is done about words that try to override.

use crate::view::prelude::*;

use crate::components::prompt_import::{ExportAll, ImportPrompts};
use crate::components::prompt_list::{NewPrompt, PromptList};
use crate::components::prompt_policy::PolicyPicker;
use crate::pages::page::Page;
use crate::state::app;
use crate::strings::{prompt_pages, t};

#[component]
pub fn PromptsPage() -> impl IntoView {
    app().follow_prompts();
    let actions = view! { <ImportPrompts/><ExportAll/><NewPrompt/> };
    view! {
        <Page title=t().prompts text=prompt_pages().prompts_text actions=actions>
            <PromptList/>
            <PolicyPicker/>
        </Page>
    }
    .into_any()
}
