//! The English texts about files that a session is handed. `{}` stands for a value.

use super::strings;

strings! {
    /// The texts that are loaded with the button for files beside a message.
    AttachStrings, ATTACH_ENGLISH;

    button: "Attach files",
    input: "Files to attach",
    under_way_one: "Attaching {} file…",
    under_way_many: "Attaching {} files…",
    failed: "{} was not attached.",
    too_large: "It is larger than {} MiB.",
    unreadable: "It cannot be read. Folders cannot be attached.",
    dismiss: "Dismiss",
}
