//! How the words of `words.txt` are chained.

use berth_protocol::PromptWarningCode::{self, OverrideAttempt, RoleChange};

/// How a phrase is built, which decides what around it can make it harmless.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// A verb first: it can be denied, and its noun can turn out to be part of another.
    VerbNoun,
    /// A verb first, and a word of place or time at the end.
    VerbPlace,
    /// A verb of another language first, which has its own words to deny it.
    Foreign,
    /// A role at the end, which has to be a whole word.
    Role,
    /// Words that announce others, and mean it only before a colon or the like.
    Heading,
    /// Anything else.
    Other,
}

/// From where a rule is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// From the first word, which was searched for.
    Forward,
    /// Up to the last words, which were searched for.
    Backward,
}

/// A chain of words.
pub(super) struct Rule {
    /// The section whose words are searched for; the chain begins with one of them, or ends.
    pub(super) searched: &'static str,
    /// The chain: `<section>` stands for one of its words. Blanks count for nothing.
    pub(super) chain: &'static str,
    pub(super) code: PromptWarningCode,
    pub(super) shape: Shape,
    pub(super) direction: Direction,
}

const fn rule(
    searched: &'static str,
    chain: &'static str,
    code: PromptWarningCode,
    shape: Shape,
) -> Rule {
    Rule {
        searched,
        chain,
        code,
        shape,
        direction: Direction::Forward,
    }
}

const fn backward(searched: &'static str, chain: &'static str, code: PromptWarningCode) -> Rule {
    Rule {
        searched,
        chain,
        code,
        shape: Shape::Other,
        direction: Direction::Backward,
    }
}

/// Parts of chains that have no words of their own.
pub(super) const PARTS: &[(&str, &str)] = &[
    // Behind instructions: which.
    (
        "of before",
        "(?:<after nouns>|(?:that|which)?(?:were|was|havebeen|hasbeen)?<participles>(?:to)?(?:you)?<when>
            |(?:that|which)?you(?:were|havebeen|vebeen|got|had|have|received)?<participles>?<when>
            |(?:that|which)?(?:the|your|our)?<authorities>(?:has|have|had)?(?:<tells>|<participles>)
                (?:on|upon|to|for|with)?(?:you)?)",
    ),
    // Behind "everything": of what.
    (
        "said before",
        "(?:<after everything>|(?:the|your|our)?<authorities><tells>(?:to)?(?:you)?
            |(?:was|were|has been|had been)?<participles>(?:to)?(?:you)?<when>
            |you(?:were|havebeen|vebeen)<participles>(?:<when>)?)",
    ),
];

/// All rules. Where several begin with the same words, the first one that fits counts.
pub(super) const RULES: &[Rule] = &[
    rule(
        "strong verbs",
        "<strong verbs><fillers>{0,8}(?:
            <strong qualifiers>
                (?:<fillers>|<strong qualifiers>|<weak qualifiers>|<adjectives>){0,6}
                (?:<strong nouns>|<rule nouns>|<weak nouns>)
            |<weak qualifiers>(?:<fillers>|<weak qualifiers>|<adjectives>){0,5}(?:<strong nouns>|<rule nouns>)
            |your(?:<fillers>|<adjectives>|<weak qualifiers>){0,5}(?:<strong nouns>|<rule nouns>))",
        OverrideAttempt,
        Shape::VerbNoun,
    ),
    rule(
        "strong verbs",
        "<strong verbs><fillers>{0,8}(?:
            (?:<strong nouns>|<rule nouns>)<fillers>{0,2}<of before>
            |<everything>(?:<fillers>|<was>){0,5}<said before>)",
        OverrideAttempt,
        Shape::VerbPlace,
    ),
    rule(
        "weak verbs",
        "<weak verbs><fillers>{0,8}(?:
            <plain qualifiers>
                (?:<fillers>|<plain qualifiers>|<weak qualifiers>|<adjectives>){0,6}
                (?:<plain nouns>|<rule nouns>)
            |<limits>(?:<weak qualifiers>|<adjectives>){0,3}<limit nouns>
            |your(?:<fillers>|<adjectives>|<weak qualifiers>|<strong qualifiers>){0,5}(?:<plain nouns>|<rule nouns>))",
        OverrideAttempt,
        Shape::VerbNoun,
    ),
    rule(
        "common verbs",
        "<common verbs>(?:
            <fillers>{0,6}<all><fillers>{0,4}<plain qualifiers>
                (?:<fillers>|<plain qualifiers>|<weak qualifiers>|<adjectives>){0,6}
                (?:<plain nouns>|<rule nouns>)
            |<fillers>{0,3}your(?:<fillers>|<adjectives>|<weak qualifiers>|<strong qualifiers>){0,5}
                (?:<plain nouns>|<rule nouns>))",
        OverrideAttempt,
        Shape::VerbNoun,
    ),
    rule(
        "foreign verbs",
        "<foreign verbs><foreign fillers>{0,6}(?:
            <foreign qualifiers><foreign fillers>{0,3}<foreign nouns>
            |<foreign nouns><foreign fillers>{0,4}<foreign qualifiers>
            |<foreign everything>)",
        OverrideAttempt,
        Shape::Foreign,
    ),
    rule("turkish", "<turkish>", OverrideAttempt, Shape::Other),
    rule("foreign roles", "<foreign roles>", RoleChange, Shape::Other),
    rule("are now", "<are now><roles>", RoleChange, Shape::Role),
    rule("from now", "<from now><you will>", RoleChange, Shape::Role),
    rule("are no longer", "<are no longer><no longer>", RoleChange, Shape::Role),
    rule(
        "not bound by",
        "<not bound by><fillers>{0,4}
            (?:<strong qualifiers>|<weak qualifiers>|<adjectives>|<fillers>){0,4}(?:<strong nouns>|<rule nouns>)",
        RoleChange,
        Shape::Role,
    ),
    rule("acting", "<acting>[a-z]{0,60}?<limitless>", RoleChange, Shape::Other),
    rule(
        "modes",
        "<modes><fillers>{0,3}<mode names><mode ends>",
        RoleChange,
        Shape::Other,
    ),
    rule("new role", "<new role><of a role><role verbs>", RoleChange, Shape::Other),
    rule("obey", "<obey><masters>", RoleChange, Shape::Role),
    rule("declarations", "<declarations>", RoleChange, Shape::Role),
    rule(
        "limits of a model",
        "<limits of a model><fillers>{0,3}<lifted>",
        RoleChange,
        Shape::Role,
    ),
    rule("new instructions", "<new instructions>", OverrideAttempt, Shape::Heading),
    backward(
        "put away",
        "(?:<strong qualifiers>{1,3}(?:<adjectives>|<weak qualifiers>|<fillers>){0,3}
                (?:<strong nouns>|<rule nouns>)
            |(?:<strong nouns>|<rule nouns>)<fillers>{0,1}<of before>
            |your<strong qualifiers>{1,3}<weak nouns>
            |<everything><fillers>{0,2}<said before>)
        (?:<fillers>|<are>){0,6}<put away>",
        OverrideAttempt,
    ),
    rule(
        "need not",
        "<need not><comply><fillers>{0,4}(?:
            (?:<strong qualifiers>|<weak qualifiers>)
                (?:<fillers>|<strong qualifiers>|<weak qualifiers>|<adjectives>){0,5}(?:<strong nouns>|<rule nouns>)
            |your(?:<fillers>|<adjectives>|<weak qualifiers>){0,5}(?:<strong nouns>|<rule nouns>)
            |(?:<strong nouns>|<rule nouns>)<fillers>{0,2}<of before>
            |<everything>(?:<fillers>|<was>){0,5}<said before>)",
        OverrideAttempt,
        Shape::VerbNoun,
    ),
    rule(
        "claims",
        "<claims>(?:now|always|shall|will|here){0,2}<outrank><fillers>{0,4}
            (?:<plain qualifiers>(?:<fillers>|<plain qualifiers>|<weak qualifiers>|<adjectives>){0,5}
                (?:<plain nouns>|<rule nouns>)
            |<everything>(?:<fillers>|<was>){0,4}<said before>)",
        OverrideAttempt,
        Shape::VerbNoun,
    ),
    rule(
        "opposite",
        "<opposite>[a-z]{0,24}?(?:
            <strong qualifiers>(?:<fillers>|<strong qualifiers>|<adjectives>){0,4}(?:<strong nouns>|<rule nouns>)
            |(?:<strong nouns>|<rule nouns>)<fillers>{0,2}<of before>)",
        OverrideAttempt,
        Shape::Other,
    ),
    rule(
        "none",
        "<none>(?:<strong qualifiers>|<fillers>|<adjectives>){0,4}(?:<strong nouns>|<rule nouns>)
            (?:<fillers>|<of before>){0,2}<counts>",
        OverrideAttempt,
        Shape::Other,
    ),
    backward(
        "nonexistent",
        "<as if>(?:<fillers>|<strong qualifiers>|<weak qualifiers>|<adjectives>|<of before>){1,6}
            (?:<strong nouns>|<rule nouns>)(?:<of before>)?<nonexistent>
        |<as if><fillers>{0,3}(?:<strong nouns>|<rule nouns>)<fillers>{0,1}<of before><nonexistent>",
        OverrideAttempt,
    ),
    backward(
        "aside",
        "<put><fillers>{0,6}(?:
            <strong qualifiers>(?:<fillers>|<strong qualifiers>|<weak qualifiers>|<adjectives>){0,5}
                (?:<strong nouns>|<rule nouns>)
            |(?:<strong nouns>|<rule nouns>)<fillers>{0,1}<of before>
            |<everything>(?:<fillers>|<was>){0,4}<said before>)<fillers>{0,2}<aside>",
        OverrideAttempt,
    ),
    backward(
        "drop them",
        "(?:<strong qualifiers>{1,3}(?:<adjectives>|<weak qualifiers>|<fillers>){0,3}(?:<strong nouns>|<rule nouns>)
            |(?:<strong nouns>|<rule nouns>)<fillers>{0,1}<of before>
            |<everything><fillers>{0,2}<said before>)
            (?:<fillers>|<given>|<put away>|<are>){0,6}<drop them>",
        OverrideAttempt,
    ),
    backward(
        "back reference",
        "<strong qualifiers>{1,3}(?:<adjectives>|<weak qualifiers>|<fillers>){0,3}
            (?:<strong nouns>|<rule nouns>)(?:<fillers>|<given>){0,5}<back reference>",
        OverrideAttempt,
    ),
    backward(
        "unlimited",
        "<beings>(?:with|that|which|who|has|have|is|and|a|an){0,3}<unlimited>",
        RoleChange,
    ),
];
