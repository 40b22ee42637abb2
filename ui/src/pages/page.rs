//! The frame of a page that is not a session: a title, a sentence, and the content.

use crate::view::prelude::*;

#[component]
pub fn Page(
    #[prop(into)] title: String,
    #[prop(into)] text: String,
    #[prop(optional)] actions: Option<AnyView>,
    children: Children,
) -> impl IntoView {
    view! {
        <div class="page">
            <div class="page-flow">
                <header class="page-head">
                    <div>
                        <h1>{title}</h1>
                        <p>{text}</p>
                    </div>
                    {actions.map(|actions| view! { <div class="page-actions">{actions}</div> })}
                </header>
                {children()}
            </div>
        </div>
    }
    .into_any()
}
