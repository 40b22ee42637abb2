//! What the page remembers: choices for good, the token for the tab only. A browser that refuses
//! storage costs the memory and nothing else.

use crate::web::dom;

fn lasting() -> Option<web_sys::Storage> {
    dom::window().local_storage().ok().flatten()
}

fn of_tab() -> Option<web_sys::Storage> {
    dom::window().session_storage().ok().flatten()
}

/// A remembered choice.
pub fn get(key: &str) -> Option<String> {
    lasting()?.get_item(key).ok().flatten()
}

/// Remembers a choice.
pub fn set(key: &str, value: &str) {
    if let Some(storage) = lasting() {
        storage.set_item(key, value).ok();
    }
}

/// A value of this tab.
pub fn get_for_tab(key: &str) -> Option<String> {
    of_tab()?.get_item(key).ok().flatten()
}

/// Keeps a value as long as the tab is open.
pub fn set_for_tab(key: &str, value: &str) {
    if let Some(storage) = of_tab() {
        storage.set_item(key, value).ok();
    }
}

/// Forgets a value of this tab.
pub fn remove_for_tab(key: &str) {
    if let Some(storage) = of_tab() {
        storage.remove_item(key).ok();
    }
}
