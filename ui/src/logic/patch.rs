//! A unified diff as rows with line numbers.

/// What a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowKind {
    /// The head of a hunk.
    Hunk,
    /// An unchanged line.
    Context,
    /// A new line.
    Added,
    /// A removed line.
    Removed,
    /// A remark of git, such as a missing line end.
    Note,
}

/// One row of a patch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What it is.
    pub kind: RowKind,
    /// Number of the line before the change.
    pub old: Option<u32>,
    /// Number of the line after the change.
    pub new: Option<u32>,
    /// The line without its mark.
    pub text: String,
}

/// The rows of one file's patch. Lines before the first hunk are left out: they repeat the path.
pub fn rows(patch: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    let (mut old, mut new) = (0, 0);
    let mut inside = false;
    for line in patch.lines() {
        if let Some((starts, text)) = hunk(line) {
            (old, new) = starts;
            inside = true;
            rows.push(Row {
                kind: RowKind::Hunk,
                old: None,
                new: None,
                text: text.to_owned(),
            });
            continue;
        }
        if !inside {
            continue;
        }
        let rest = line.get(1..).unwrap_or_default().to_owned();
        match line.as_bytes().first() {
            Some(b'+') => {
                rows.push(Row {
                    kind: RowKind::Added,
                    old: None,
                    new: Some(new),
                    text: rest,
                });
                new += 1;
            }
            Some(b'-') => {
                rows.push(Row {
                    kind: RowKind::Removed,
                    old: Some(old),
                    new: None,
                    text: rest,
                });
                old += 1;
            }
            Some(b'\\') => {
                rows.push(Row {
                    kind: RowKind::Note,
                    old: None,
                    new: None,
                    text: rest.trim().to_owned(),
                });
            }
            _ => {
                rows.push(Row {
                    kind: RowKind::Context,
                    old: Some(old),
                    new: Some(new),
                    text: rest,
                });
                old += 1;
                new += 1;
            }
        }
    }
    rows
}

/// First line numbers before and after, and what follows the marks, of `@@ -1,2 +3,4 @@ fn x`.
fn hunk(line: &str) -> Option<((u32, u32), &str)> {
    let (ranges, rest) = line.strip_prefix("@@ -")?.split_once(" @@")?;
    let (old, new) = ranges.split_once(" +")?;
    let first = |range: &str| range.split(',').next()?.parse().ok();
    Some(((first(old)?, first(new)?), rest.trim_start()))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn lines_are_numbered_on_both_sides() {
        let patch = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -3,3 +3,4 @@ fn main() {\n a\n-b\n+c\n+--- d\n e\n\\ No newline at end of file\n";
        let text: String = rows(patch)
            .iter()
            .map(|row| {
                let number = |n: Option<u32>| n.map_or("-".to_owned(), |n| n.to_string());
                format!(
                    "{:?} {} {} {}\n",
                    row.kind,
                    number(row.old),
                    number(row.new),
                    row.text
                )
            })
            .collect();
        expect![[r#"
            Hunk - - fn main() {
            Context 3 3 a
            Removed 4 - b
            Added - 4 c
            Added - 5 --- d
            Context 5 6 e
            Note - - No newline at end of file
        "#]]
        .assert_eq(&text);
    }

    #[test]
    fn a_patch_without_hunks_has_no_rows() {
        assert_eq!(rows("old mode 100644\nnew mode 100755\n"), []);
        assert_eq!(rows("@@ nonsense\n+x"), []);
    }
}
