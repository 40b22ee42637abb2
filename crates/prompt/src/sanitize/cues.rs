//! Words around a phrase that say how it is meant.

use std::sync::LazyLock;

use regex::bytes::Regex;

/// Patterns of words around a phrase.
pub(super) struct Patterns {
    /// Behind a noun: it is the attribute of another one.
    pub(super) attribute: Regex,
    /// Behind a word of place or time: nothing belongs to it any more.
    pub(super) end: Regex,
    /// Behind words that announce others.
    pub(super) announces: Regex,
    /// Before a verb: somebody is said to ask for it.
    pub(super) reports: Regex,
    /// That is the author.
    pub(super) first_person: Regex,
    /// It is a case that is spoken of, not an order.
    pub(super) condition: Regex,
    /// Before a verb and its subject: that must not happen.
    pub(super) forbids: Regex,
    /// What to do about it.
    pub(super) defence: Regex,
    /// Around a quotation: it is an example.
    pub(super) cue: Regex,
}

/// They are compiled once; none if one of them cannot be, which a test excludes.
pub(super) static PATTERNS: LazyLock<Option<Patterns>> = LazyLock::new(|| Patterns::new().ok());

impl Patterns {
    fn new() -> Result<Self, regex::Error> {
        let pattern = |text: &str| Regex::new(&format!("(?i-u){text}"));
        Ok(Self {
            attribute: pattern(
                r"^(?:'s\b|_|\s+(?:older|newer|larger|smaller|whose|placed)\b|\.[a-z]|\(|[ -](?:files?|cach\w+|histor\w+|outputs?|exit|handlers?|parsers?|errors?|codes?|lines?|formats?|fields?|lengths?|names?|types?|logs?|tokens?|param\w*|flags?|variables?|class\w*|tables?|columns?|ids?|templates?|windows?|box\w*|sizes?|budgets?|counts?|queue\w*|buffers?|headers?|bod(?:y|ies)|menus?|pages?|panels?|editors?|engines?|by|numbers?|stor\w+|keys?|hash\w*|tests?|bloc\w+|objects?|struct\w*)\b)",
            )?,
            end: pattern(
                r#"^(?:\s*$|[\s"'`)*_\]]*[.,;:!?\n)\-]|\s+(?:and|or|but|then|you|now|this|that|here|in this|instead|because|as|i|we|please|from now|it|so|just|with)\b)"#,
            )?,
            announces: pattern(
                r#"^(?:["'*_`\s\])]*(?::|$)|\s*\n|\s+(?:follow|below|(?:is|are)\s+(?:below|as\s+follows|the\s+following|here|now)|from\s+(?:the|your|me)))"#,
            )?,
            reports: pattern(
                r"\b(?:asks?|asking|asked|tells?|telling|told|says?|saying|instructs?|instructing|instructed|wants?|requests?|requesting|orders?|ordering|commands?|urg(?:es?|ing)|claims?|persuades?|directs?|directing|attempts?|attempting|tr(?:y|ies|ying)|demands?|demanding|begs?|ma(?:kes?|king)|gets?|getting|tricks?|tricking|convinces?|convincing|ha(?:s|ve|ving))\s+(?:(?:you|me|us|it|them|him|the\s+(?:model|agent|assistant|ai|llm|reader|bot|reviewer)|agents|models|users|others|people|readers)\s+)?(?:to\s+|into\s+|that\s+(?:you|it|they)\s+(?:should|must|can|may)\s+|(?:you|it)\s+(?:should|must|can|may)\s+)?$",
            )?,
            first_person: pattern(
                r"\b(?:i|we|i'm|we're|am)\s+(?:\w+\s+)?(?:ask|tell|want|order|command|instruct|request|direct|urge|demand|say)\w*\s",
            )?,
            condition: pattern(
                r"\b(?:if|when|whenever|any|anyone|anything|someone|somebody|even|whether|refuse|reject|report|flag|detect|that|which|who|attempts?|not|never)\b",
            )?,
            forbids: pattern(
                r"\b(?:never|do\s+not|don't|must\s+not|cannot|can't|may\s+not|should\s+not|no)\s+(?:let|allow|permit|have|one\s+(?:may|can|is\s+allowed\s+to))\b[^,;:]{0,60}$",
            )?,
            defence: pattern(
                r"\b(?:refuse|reject|report\s+(?:it|this|that|them|the)|(?:report|detect|log|block|prevent|stop|watch\s+for)\s+(?:any\s+|all\s+|every\s+)?(?:attempts?|requests?|tries)|flag|decline|(?:do\s+not|don't|never|must\s+not|should\s+not|cannot)\s+(?:comply|follow|obey|do\s+(?:so|it|that)|act|trust|accept|execute)|treat\s+(?:it|this|that|them|such|any|the)|injections?|attacks?|untrusted|not\s+(?:an\s+)?instructions?|quote\s+(?:it|them)|say\s+so|stop\s+and|jailbreaks?|malicious|hostile|as\s+data)",
            )?,
            cue: pattern(
                r"\b(?:such\s+as|(?:things?|phrases?|text|something|anything|sentences?|strings?|words?|lines?)\s+like|e\.g\.|for\s+(?:example|instance)|examples?|phrases?|attacks?|attempts?|injections?|detect\w*|flag(?:s|ged|ging)?|reject\w*|refus\w+|patterns?|wording|untrusted|jailbreaks?|match(?:es|ing)?|sanitiz\w+|sanitis\w+|contain\w*|redact\w*|corpus|fixtures?|payloads?|classif\w+|malicious|phishing|spam|scams?|(?:if|when|whenever|even\s+if|that|which|who)\b[^.\n]{0,80}\b(?:says?|tells?|asks?|reads?|writes?|claims?|sees?|finds?))\b",
            )?,
        })
    }
}

#[cfg(test)]
pub(super) fn compiles() -> bool {
    PATTERNS.is_some()
}
