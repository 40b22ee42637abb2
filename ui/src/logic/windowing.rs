//! Which rows of a long list are drawn.

use std::ops::Range;

/// Rows drawn above and below the visible ones, so that scrolling never shows a gap.
const OVERSCAN: usize = 12;

/// The rows to draw of `count` rows of `row_height` pixels, when `scroll_top` pixels are scrolled
/// away and `height` pixels are visible.
pub fn visible_rows(count: usize, row_height: f64, scroll_top: f64, height: f64) -> Range<usize> {
    let first = whole(scroll_top / row_height).min(count);
    let shown = whole(height / row_height) + 2;
    let end = (first + shown + OVERSCAN).min(count);
    first.saturating_sub(OVERSCAN)..end
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to 0 and up"
)]
fn whole(value: f64) -> usize {
    value.max(0.0) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_seen_is_drawn() {
        assert_eq!(visible_rows(20_000, 28.0, 28_000.0, 560.0), 988..1034);
        assert_eq!(visible_rows(5, 28.0, 0.0, 560.0), 0..5);
        assert_eq!(visible_rows(0, 28.0, -40.0, 560.0), 0..0);
        assert_eq!(visible_rows(100, 28.0, 1e9, 560.0), 88..100);
    }
}
