//! What the user chose and the page remembers.

use crate::view::prelude::*;

use super::effect;
use crate::web::{dom, storage};

/// Light, dark, or as the system has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThemeChoice {
    System,
    Light,
    Dark,
}

impl ThemeChoice {
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    pub fn slug(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// What the page remembers.
#[derive(Clone, Copy)]
pub struct Prefs {
    pub theme: RwSignal<ThemeChoice>,
    /// Whether the theme in effect is dark.
    pub dark: RwSignal<bool>,
    pub sidebar_open: RwSignal<bool>,
    pub details_open: RwSignal<bool>,
    /// Widths in pixels.
    pub sidebar_width: RwSignal<i32>,
    pub details_width: RwSignal<i32>,
}

/// Name under which boot.js finds the theme before anything is drawn.
const THEME: &str = "berth.theme";
const DARK: &str = "(prefers-color-scheme: dark)";

impl Prefs {
    pub fn load() -> Self {
        let saved = storage::get(THEME).unwrap_or_default();
        let theme = ThemeChoice::ALL
            .into_iter()
            .find(|choice| choice.slug() == saved);
        Self {
            theme: RwSignal::new(theme.unwrap_or(ThemeChoice::System)),
            dark: RwSignal::new(false),
            sidebar_open: flag("berth.sidebar", true),
            details_open: flag("berth.details", true),
            sidebar_width: width("berth.sidebar-width", 264),
            details_width: width("berth.details-width", 288),
        }
    }

    /// Keeps the document and the storage in step with the choices. Call once.
    pub fn follow(self) {
        let system_dark = RwSignal::new(dom::matches_media(DARK));
        if let Ok(Some(list)) = dom::window().match_media(DARK) {
            let source = list.clone();
            dom::listen(&list, "change", move |_| system_dark.set(source.matches()));
        }
        effect(move || {
            let choice = self.theme.get();
            let dark = match choice {
                ThemeChoice::System => system_dark.get(),
                ThemeChoice::Light => false,
                ThemeChoice::Dark => true,
            };
            if let Some(root) = dom::document().document_element() {
                root.set_attribute("data-theme", if dark { "dark" } else { "light" })
                    .ok();
            }
            storage::set(THEME, choice.slug());
            self.dark.set(dark);
        });
        remember("berth.sidebar", self.sidebar_open);
        remember("berth.details", self.details_open);
        remember("berth.sidebar-width", self.sidebar_width);
        remember("berth.details-width", self.details_width);
    }
}

fn flag(key: &str, otherwise: bool) -> RwSignal<bool> {
    RwSignal::new(storage::get(key).map_or(otherwise, |saved| saved == "true"))
}

fn width(key: &str, otherwise: i32) -> RwSignal<i32> {
    let saved = storage::get(key).and_then(|saved| saved.parse::<i32>().ok());
    RwSignal::new(
        saved
            .filter(|width| (160..=640).contains(width))
            .unwrap_or(otherwise),
    )
}

fn remember<T: Clone + ToString + Send + Sync + 'static>(key: &'static str, value: RwSignal<T>) {
    effect(move || storage::set(key, &value.get().to_string()));
}
