//! The keyboard: which keys do what, and how they are written.
//!
//! ⌘ on macOS is Ctrl elsewhere. While a terminal has focus nothing is taken that a program in it
//! could need: there a shortcut needs ⌘, or Ctrl with Shift. Browsers keep some keys to themselves
//! (Ctrl-N, Ctrl-Shift-T), so these also answer to Alt.

/// A key press.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Press {
    /// `KeyboardEvent.key`.
    pub key: String,
    /// `KeyboardEvent.code`: the place of the key, whatever the layout and modifiers make of it.
    pub code: String,
    /// Ctrl is held.
    pub ctrl: bool,
    /// ⌘ or the Windows key is held.
    pub meta: bool,
    /// Alt or ⌥ is held.
    pub alt: bool,
    /// Shift is held.
    pub shift: bool,
}

/// Where keys are pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keyboard {
    /// The platform's main modifier is ⌘.
    pub mac: bool,
    /// The page runs in a browser, which keeps some keys to itself.
    pub browser: bool,
}

/// What a shortcut does anywhere in the app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shortcut {
    /// Opens the palette.
    Palette,
    /// Opens the box for a new session.
    NewSession,
    /// Goes to the session at this place of the sidebar, from 0.
    Session(usize),
    /// Goes to the next part of the session view.
    CycleTab,
    /// Shows the sheet of shortcuts.
    Sheet,
    /// Shows or hides the sidebar.
    Sidebar,
    /// Shows or hides the details.
    Details,
}

impl Shortcut {
    /// The shortcut that a key press means.
    pub fn of(press: &Press, keyboard: Keyboard, in_terminal: bool) -> Option<Self> {
        let main = if keyboard.mac {
            press.meta && !press.ctrl
        } else {
            press.ctrl && !press.meta
        };
        let letter = press.code.strip_prefix("Key").unwrap_or(&press.code);
        if keyboard.browser
            && press.alt
            && !press.ctrl
            && !press.meta
            && !press.shift
            && !in_terminal
        {
            return match letter {
                "N" => Some(Self::NewSession),
                "T" => Some(Self::CycleTab),
                _ => None,
            };
        }
        if !main || press.alt {
            return None;
        }
        // With Ctrl, a terminal needs every key but those with Shift; with ⌘ it needs none.
        let plain = keyboard.mac || !in_terminal;
        let free = plain && !press.shift || !plain && press.shift;
        match letter {
            "T" if press.shift => Some(Self::CycleTab),
            "K" if free => Some(Self::Palette),
            "N" if free => Some(Self::NewSession),
            "B" if free => Some(Self::Sidebar),
            "I" if plain && !press.shift => Some(Self::Details),
            "Slash" if free => Some(Self::Sheet),
            _ if plain && press.key == "/" => Some(Self::Sheet),
            digit if plain && !press.shift => {
                let digit = digit.strip_prefix("Digit")?.parse::<usize>().ok()?;
                (1..=9).contains(&digit).then(|| Self::Session(digit - 1))
            }
            _ => None,
        }
    }

    /// How its keys are written.
    pub fn keys(self, keyboard: Keyboard) -> String {
        let (main, shift) = if keyboard.mac {
            ("⌘", "⇧")
        } else {
            ("Ctrl ", "Shift ")
        };
        match self {
            Self::NewSession if keyboard.browser && !keyboard.mac => "Alt N".to_owned(),
            Self::CycleTab if keyboard.browser && !keyboard.mac => "Alt T".to_owned(),
            Self::NewSession if keyboard.browser => "⌥N".to_owned(),
            Self::CycleTab if keyboard.browser => "⌥T".to_owned(),
            Self::Palette => format!("{main}K"),
            Self::NewSession => format!("{main}N"),
            Self::Session(at) => format!("{main}{}", at + 1),
            Self::CycleTab if keyboard.mac => format!("{main}{shift}T"),
            Self::CycleTab => format!("{main}{shift}T"),
            Self::Sheet => format!("{main}/"),
            Self::Sidebar => format!("{main}B"),
            Self::Details => format!("{main}I"),
        }
    }
}

/// What keys do in a terminal beside going to its program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TerminalKey {
    /// Copies the selection.
    Copy,
    /// Pastes; the browser does it, as long as the terminal leaves the key alone.
    Paste,
    /// Opens the search bar.
    Search,
    /// Belongs to the app, which hears it further up.
    Leave,
}

impl TerminalKey {
    /// What a key press in a terminal means; `None` when it goes to the program.
    pub fn of(press: &Press, keyboard: Keyboard) -> Option<Self> {
        let letter = press.code.strip_prefix("Key").unwrap_or(&press.code);
        let held = if keyboard.mac {
            press.meta && !press.ctrl && !press.shift
        } else {
            press.ctrl && press.shift && !press.meta
        };
        match letter {
            "C" if held && !press.alt => Some(Self::Copy),
            "V" if held && !press.alt => Some(Self::Paste),
            "F" if held && !press.alt => Some(Self::Search),
            _ => Shortcut::of(press, keyboard, true).map(|_| Self::Leave),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINUX: Keyboard = Keyboard {
        mac: false,
        browser: false,
    };
    const MAC: Keyboard = Keyboard {
        mac: true,
        browser: false,
    };

    fn press(keys: &str) -> Press {
        let mut press = Press::default();
        for part in keys.split('-') {
            match part {
                "ctrl" => press.ctrl = true,
                "meta" => press.meta = true,
                "alt" => press.alt = true,
                "shift" => press.shift = true,
                digit if digit.parse::<u8>().is_ok() => {
                    press.code = format!("Digit{digit}");
                    press.key = digit.to_owned();
                }
                "/" => {
                    press.code = "Slash".to_owned();
                    press.key = "/".to_owned();
                }
                letter => {
                    press.code = format!("Key{}", letter.to_uppercase());
                    press.key = letter.to_owned();
                }
            }
        }
        press
    }

    #[test]
    fn a_terminal_keeps_every_key_it_needs() {
        for keys in [
            "ctrl-k", "ctrl-n", "ctrl-/", "ctrl-b", "ctrl-1", "ctrl-f", "ctrl-c", "alt-n", "alt-t",
            "ctrl-i",
        ] {
            for browser in [false, true] {
                let keyboard = Keyboard { browser, ..LINUX };
                assert_eq!(TerminalKey::of(&press(keys), keyboard), None, "{keys}");
                assert_eq!(Shortcut::of(&press(keys), keyboard, true), None, "{keys}");
            }
        }
        assert_eq!(TerminalKey::of(&press("ctrl-c"), MAC), None);
    }

    #[test]
    fn every_shortcut_has_a_key_in_a_terminal() {
        assert_eq!(
            Shortcut::of(&press("ctrl-shift-k"), LINUX, true),
            Some(Shortcut::Palette)
        );
        assert_eq!(
            Shortcut::of(&press("ctrl-shift-t"), LINUX, true),
            Some(Shortcut::CycleTab)
        );
        assert_eq!(
            Shortcut::of(&press("meta-n"), MAC, true),
            Some(Shortcut::NewSession)
        );
        assert_eq!(
            TerminalKey::of(&press("ctrl-shift-f"), LINUX),
            Some(TerminalKey::Search)
        );
        assert_eq!(
            TerminalKey::of(&press("meta-c"), MAC),
            Some(TerminalKey::Copy)
        );
        assert_eq!(
            TerminalKey::of(&press("ctrl-shift-k"), LINUX),
            Some(TerminalKey::Leave)
        );
    }

    #[test]
    fn the_main_modifier_is_the_platforms() {
        assert_eq!(
            Shortcut::of(&press("ctrl-k"), LINUX, false),
            Some(Shortcut::Palette)
        );
        assert_eq!(Shortcut::of(&press("meta-k"), LINUX, false), None);
        assert_eq!(
            Shortcut::of(&press("meta-k"), MAC, false),
            Some(Shortcut::Palette)
        );
        assert_eq!(Shortcut::of(&press("ctrl-k"), MAC, false), None);
        assert_eq!(
            Shortcut::of(&press("ctrl-3"), LINUX, false),
            Some(Shortcut::Session(2))
        );
        assert_eq!(
            Shortcut::of(&press("ctrl-/"), LINUX, false),
            Some(Shortcut::Sheet)
        );
        assert_eq!(Shortcut::of(&press("k"), LINUX, false), None);
    }

    #[test]
    fn a_browser_gets_keys_that_it_does_not_take() {
        let browser = Keyboard {
            browser: true,
            ..LINUX
        };
        assert_eq!(
            Shortcut::of(&press("alt-n"), browser, false),
            Some(Shortcut::NewSession)
        );
        assert_eq!(Shortcut::NewSession.keys(browser), "Alt N");
        assert_eq!(Shortcut::NewSession.keys(LINUX), "Ctrl N");
        assert_eq!(Shortcut::CycleTab.keys(MAC), "⌘⇧T");
    }
}
