//! Icons: symbols of lucide that the build puts into the page.

use crate::view::prelude::*;

/// The icons that the build puts into the page.
const LIST: &str = include_str!("../../../icons.txt");

/// The name of an icon that is in the list; another one does not compile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IconName(&'static str);

impl IconName {
    pub const fn new(name: &'static str) -> Self {
        assert!(listed(name.as_bytes()), "add the icon to ui/icons.txt");
        Self(name)
    }
}

const fn listed(name: &[u8]) -> bool {
    let list = LIST.as_bytes();
    let mut start = 0;
    while start < list.len() {
        let mut at = 0;
        while start + at < list.len() && list[start + at] != b'\n' {
            at += 1;
        }
        if at == name.len() {
            let mut same = 0;
            while same < at && list[start + same] == name[same] {
                same += 1;
            }
            if same == at {
                return true;
            }
        }
        start += at + 1;
    }
    false
}

/// Names an icon, checked while compiling.
macro_rules! icon_name {
    ($name:literal) => {
        const { $crate::components::icon::IconName::new($name) }
    };
}
pub(crate) use icon_name;

/// An icon. It says nothing to a screen reader; the control around it has the name.
#[component]
pub fn Icon(#[prop(into)] name: Signal<IconName>) -> impl IntoView {
    view! {
        <svg class="icon" aria-hidden="true" focusable="false">
            <use href=move || format!("#i-{}", name.get().0)></use>
        </svg>
    }
}

/// An icon that never changes.
pub fn icon(name: IconName) -> AnyView {
    view! {
        <svg class="icon" aria-hidden="true" focusable="false">
            <use href=format!("#i-{}", name.0)></use>
        </svg>
    }
    .into_any()
}
