//! Which rows of a long list are drawn.

use std::ops::Range;

/// Rows drawn above and below the visible ones, so that scrolling never shows a gap.
const OVERSCAN: usize = 12;

/// The rows to draw of `count` rows of `row_height` pixels, when `scroll_top` pixels are scrolled
/// away and `height` pixels are visible.
pub fn visible_rows(count: usize, row_height: i32, scroll_top: i32, height: i32) -> Range<usize> {
    let first = whole(scroll_top / row_height).min(count);
    let shown = whole(height / row_height) + 2;
    let end = (first + shown + OVERSCAN).min(count);
    first.saturating_sub(OVERSCAN)..end
}

fn whole(value: i32) -> usize {
    usize::try_from(value).unwrap_or(0)
}

/// Height of this many rows, in pixels.
pub fn height_of(rows: usize, row_height: i32) -> i64 {
    i64::try_from(rows).unwrap_or(0) * i64::from(row_height)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_seen_is_drawn() {
        assert_eq!(visible_rows(20_000, 28, 28_000, 560), 988..1034);
        assert_eq!(visible_rows(5, 28, 0, 560), 0..5);
        assert_eq!(visible_rows(0, 28, -40, 560), 0..0);
        assert_eq!(visible_rows(100, 28, 1_000_000_000, 560), 88..100);
    }
}
