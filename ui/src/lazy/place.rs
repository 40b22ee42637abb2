//! The place of something that is loaded later: its shape while it is on its way, what went wrong
//! when it does not come, and then itself.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use leptos::prelude::untrack;
use wasm_split_helpers::SplitLoaderError;

use crate::components::dialog::{Dialog, returns_focus};
use crate::components::notice::{Failure, Skeleton};
use crate::state::{Connection, app, effect, memo};
use crate::strings::t;
use crate::view::prelude::*;
use crate::web::task::spawn_local;

/// What the place looks like until everything is there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Page,
    /// A part of a page.
    Panel,
    /// A sign that is missing until it is there.
    Sign,
    Dialog,
}

/// Makes the view.
type Make = Rc<dyn Fn() -> AnyView>;
type Loading = Pin<Box<dyn Future<Output = Result<Make, SplitLoaderError>>>>;

#[derive(Clone)]
enum State {
    Loading,
    Loaded(Make),
    Failed,
}

/// Loads what `make` needs, and shows what it makes of it.
pub fn place<F, M>(
    shape: Shape,
    load: impl Fn() -> F + 'static,
    make: impl Fn(&M) -> AnyView + Clone + 'static,
) -> AnyView
where
    F: Future<Output = Result<M, SplitLoaderError>> + 'static,
    M: 'static,
{
    boxed(
        shape,
        Box::new(move || {
            let (loading, make) = (load(), make.clone());
            Box::pin(async move {
                let loaded = loading.await?;
                Ok(Rc::new(move || make(&loaded)) as Make)
            })
        }),
    )
}

fn boxed(shape: Shape, load: Box<dyn Fn() -> Loading>) -> AnyView {
    let app = app();
    if shape == Shape::Dialog {
        // The dialog that shows the shape has the focus when the real one comes.
        returns_focus(app);
    }
    let state = RwSignal::new(State::Loading);
    let attempt = RwSignal::new(());
    effect(move || {
        attempt.track();
        let loading = load();
        spawn_local(async move {
            state.set(match loading.await {
                Ok(make) => State::Loaded(make),
                Err(_) => State::Failed,
            });
        });
    });
    let again = move || {
        state.set(State::Loading);
        attempt.set(());
    };
    // What failed because the engine was away is tried again when it is back.
    let online = memo(move || app.model.connection().get() == Connection::Online);
    effect(move || {
        if online.get() && matches!(state.get_untracked(), State::Failed) {
            again();
        }
    });
    view! {
        {move || match state.get() {
            State::Loading => frame(shape, t().loading, view! { <Skeleton/> }),
            State::Loaded(make) => untrack(|| make()),
            State::Failed => {
                let failure = view! {
                    <Failure
                        title=t().not_loaded
                        text=t().not_loaded_text
                        hint=t().not_loaded_hint
                        on_retry=Callback::new(move |()| again())
                    />
                };
                frame(shape, t().not_loaded, failure)
            }
        }}
    }
    .into_any()
}

fn frame(shape: Shape, label: &'static str, view: AnyView) -> AnyView {
    match shape {
        Shape::Page => {
            view! { <div class="page"><div class="page-flow">{view}</div></div> }.into_any()
        }
        Shape::Panel => view,
        Shape::Sign => ().into_any(),
        Shape::Dialog => view! { <Dialog label=label class="is-coming">{view}</Dialog> },
    }
}
