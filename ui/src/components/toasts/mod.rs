//! Short notices in the corner, read out by screen readers.

use crate::view::prelude::*;

use crate::components::button::IconButton;
use crate::components::icon::{icon, icon_name};
use crate::state::{ToastKind, app};
use crate::strings::t;

#[component]
pub fn Toasts() -> impl IntoView {
    let ui = app().ui;
    view! {
        <div class="toasts" role="status" aria-live="polite" data-testid="toasts">
            <For each=move || ui.toasts.get() key=|toast| toast.id let:toast>
                <div class="toast" class:is-error=toast.kind == ToastKind::Error>
                    {icon(match toast.kind {
                        ToastKind::Done => icon_name!("circle-check"),
                        ToastKind::Error => icon_name!("circle-alert"),
                    })}
                    <div class="toast-text">
                        <p>{toast.text.clone()}</p>
                        {toast.hint.clone().map(|hint| view! { <p class="toast-hint">{hint}</p> })}
                    </div>
                    <IconButton
                        name=icon_name!("x")
                        label=t().dismiss
                        on_click=Callback::new(move |()| ui.dismiss(toast.id))
                    />
                </div>
            </For>
        </div>
    }
    .into_any()
}
