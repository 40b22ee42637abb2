//! The faces of a list or page that has nothing to show: empty, loading or failed.

use crate::view::prelude::*;

use crate::components::button::Button;
use crate::components::icon::{IconName, icon, icon_name};
use crate::strings::t;
use crate::web::clock;

/// What a page is for, and the one next step.
#[component]
pub fn Empty(
    name: IconName,
    #[prop(into)] title: String,
    #[prop(into)] text: String,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="empty">
            <div class="empty-icon">{icon(name)}</div>
            <h2>{title}</h2>
            <p>{text}</p>
            {children.map(|children| view! { <div class="empty-actions">{children()}</div> })}
        </div>
    }
    .into_any()
}

/// What went wrong, and the button that helps.
#[component]
pub fn Failure(
    #[prop(into)] title: String,
    #[prop(into)] text: String,
    #[prop(optional, into)] hint: Option<String>,
    #[prop(optional, into)] action: Option<String>,
    on_retry: Callback<()>,
) -> impl IntoView {
    view! {
        <div class="empty is-failed" role="alert">
            <div class="empty-icon">{icon(icon_name!("circle-alert"))}</div>
            <h2>{title}</h2>
            <p>{text}</p>
            {hint.map(|hint| view! { <p>{hint}</p> })}
            <div class="empty-actions">
                <Button
                    label=action.unwrap_or_else(|| t().try_again.to_owned())
                    icon_name=icon_name!("refresh-cw")
                    on_click=on_retry
                />
            </div>
        </div>
    }
    .into_any()
}

/// A failure inside a form, with the button that helps where there is one.
#[component]
pub fn InlineFailure(
    #[prop(into)] text: String,
    #[prop(optional, into)] hint: Option<String>,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="inline-failure" role="alert">
            {icon(icon_name!("circle-alert"))}
            <div>
                <p>{text}</p>
                {hint.map(|hint| view! { <p class="inline-failure-hint">{hint}</p> })}
                {children.map(|children| children())}
            </div>
        </div>
    }
    .into_any()
}

/// How long something may load before its shape shows, in milliseconds.
const PATIENCE: i32 = 150;

/// The shape of rows that are on their way.
#[component]
pub fn Skeleton(
    #[prop(default = 6)] rows: usize,
    #[prop(optional)] class: &'static str,
) -> impl IntoView {
    let shown = RwSignal::new(false);
    crate::web::task::spawn_local(async move {
        clock::sleep(PATIENCE).await;
        shown.try_set(true);
    });
    view! {
        <div class=format!("skeleton {class}") class:is-shown=shown role="status" aria-label=t().loading>
            {(0..rows)
                .map(|at| view! { <div class="skeleton-row" style=format!("width:{}%", 92 - (at * 23) % 47)></div> })
                .collect_view()}
        </div>
    }
    .into_any()
}
