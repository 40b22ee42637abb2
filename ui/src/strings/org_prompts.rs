//! The English texts about prompts of an organization. `{}` stands for a value.

use super::strings;

strings! {
    /// The texts that are loaded with the pages of prompts, about those of an organization.
    OrgPromptStrings, ORG_PROMPT_ENGLISH;

    read_only: "Its admins write these. You can look at them, and write prompts of your own.",
    none: "The organization has no prompts yet",
    none_text: "What you write here is given to the sessions of everybody in it.",

    // What a prompt of an organization was.
    history_unreachable: "The organization cannot be reached",
    history_unreachable_text: "What its prompts were is kept by its backend alone, which does not answer now.",
    history_none: "The organization does not have it yet, so there are no versions.",
    history_waits: "Your change that the organization does not have yet is not among them, and is lost when a version is brought back.",
    history_joined_one: "Number {} is part of version {}: edits that were made without a network arrive as one.",
    history_joined_many: "Numbers {} to {} are part of version {}: edits that were made without a network arrive as one.",
    history_by_unknown: "by somebody whose name is not known",

    // A prompt that is edited while another organization becomes the active one.
    left: "This prompt is of an organization that is not the active one any more, so it cannot be saved here. What you have typed stays: switch back to go on, or keep it as a prompt of your own.",
    left_read: "This prompt is of an organization that is not the active one any more. Its words are shown as they were.",
    left_keep: "Keep as my own",
    left_copy: "Copy its words",
    left_copied: "The words are copied.",
    left_kept: "It is a prompt of your own now, and not saved yet.",

    least: "The active organization wants at least: {}. Something looser that is chosen here does not count.",

    locked: "Locked",
    locked_hint: "Users of the organization cannot do without it.",

    // A change that the organization does not have yet.
    waiting: "not sent yet",
    waiting_tip: "The organization gets it as soon as its backend answers",
    conflict: "conflict",
    conflict_tip: "Somebody else has changed the same. Choose on the organization page",
    refused: "refused",
    refused_tip: "The organization's backend refuses your change. See why on the organization page",
}
