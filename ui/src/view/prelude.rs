//! What a file with markup needs: Leptos' signals, and this module's views in place of Leptos'.

pub use berth_ui_view::{component, view};
pub use leptos::prelude::{
    ArcRwSignal, Callable, Callback, StoredValue, event_target_value, expect_context, on_cleanup,
    provide_context,
};
pub use leptos::reactive::traits::*;

pub use crate::state::{Memo, RwSignal, Signal};

pub use super::View as AnyView;
pub use super::{Children, CollectView, IntoView, NodeRef, mount_to_body};
