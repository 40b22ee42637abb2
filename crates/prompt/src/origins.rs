//! Where each line of an effective prompt comes from.

use berth_protocol::{EffectivePrompt, LineOrigin};

/// Runs of lines, from the first line to the last, with the part whose words they are.
pub fn origins(effective: &EffectivePrompt) -> Vec<LineOrigin> {
    let mut origins: Vec<LineOrigin> = Vec::new();
    let mut parts = effective.parts.iter().zip(0..).peekable();
    let mut start = 0;
    for (line, number) in effective.text.split_inclusive('\n').zip(1..) {
        let end = start + line.len();
        while parts
            .peek()
            .is_some_and(|(part, _)| part.end as usize <= start)
        {
            parts.next();
        }
        let part = parts
            .peek()
            .filter(|(part, _)| (part.start as usize) < end)
            .map(|(_, place)| *place);
        match origins.last_mut() {
            Some(run) if run.part == part => run.last = number,
            _ => origins.push(LineOrigin {
                first: number,
                last: number,
                part,
            }),
        }
        start = end;
    }
    origins
}

#[cfg(test)]
mod tests {
    use berth_protocol::{PromptId, PromptPart, PromptScope};

    use super::*;

    fn part(start: u32, end: u32) -> PromptPart {
        PromptPart {
            id: PromptId(uuid::Uuid::from_u128(1)),
            name: String::new(),
            scope: PromptScope::User,
            version: 1,
            start,
            end,
        }
    }

    #[test]
    fn each_line_belongs_to_the_part_that_it_stands_in() {
        let effective = EffectivePrompt {
            text: "intro\n[a\none\ntwo\n]\nthree\n]\n".to_owned(),
            parts: vec![part(9, 16), part(19, 24)],
            ..EffectivePrompt::default()
        };
        let runs: Vec<_> = origins(&effective)
            .iter()
            .map(|run| (run.first, run.last, run.part))
            .collect();
        assert_eq!(
            runs,
            [
                (1, 2, None),
                (3, 4, Some(0)),
                (5, 5, None),
                (6, 6, Some(1)),
                (7, 7, None)
            ]
        );
        assert_eq!(origins(&EffectivePrompt::default()), []);
    }
}
