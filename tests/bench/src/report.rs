//! The figures: as a table for people, as JSON for programs.

use std::{env, fs, io, path::Path, thread};

use serde::Serialize;

/// Everything that was measured.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    figures: Vec<Measured>,
    skipped: Vec<Skipped>,
}

/// One figure.
#[derive(Debug, Serialize)]
pub struct Figure {
    /// What was measured.
    pub what: String,
    /// Unit of `berth`, `bare` and an absolute limit.
    pub unit: &'static str,
    /// Berth's figure.
    pub berth: f64,
    /// The same of the bare thing, in the same run.
    pub bare: Option<f64>,
    /// What Berth promises; absent where the figure only informs.
    pub limit: Option<Limit>,
    /// What the bare thing is, or how the figure came about.
    pub note: String,
}

/// A figure, and how it stands to the bare one.
#[derive(Debug, Serialize)]
struct Measured {
    #[serde(flatten)]
    figure: Figure,
    /// Berth's figure over the bare one.
    ratio: Option<f64>,
}

/// A promise.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// Berth's figure, at most.
    AtMost(f64),
    /// Berth's figure, at least.
    AtLeast(f64),
    /// Berth's figure beyond the bare one, at most.
    BeyondBareAtMost(f64),
    /// Berth's share of the bare figure, at least.
    RatioAtLeast(f64),
    /// Berth's multiple of the bare figure, at most.
    RatioAtMost(f64),
}

/// What could not be measured here.
#[derive(Debug, Serialize)]
struct Skipped {
    what: String,
    why: String,
}

impl From<Figure> for Measured {
    fn from(figure: Figure) -> Self {
        let bare = figure.bare.filter(|bare| *bare != 0.0);
        Self {
            ratio: bare.map(|bare| figure.berth / bare),
            figure,
        }
    }
}

impl Measured {
    /// Whether the promise holds; nothing where there is none.
    fn holds(&self) -> Option<bool> {
        let Figure {
            berth, bare, limit, ..
        } = self.figure;
        Some(match limit? {
            Limit::AtMost(most) => berth <= most,
            Limit::AtLeast(least) => berth >= least,
            Limit::BeyondBareAtMost(most) => berth - bare? <= most,
            Limit::RatioAtLeast(least) => self.ratio? >= least,
            Limit::RatioAtMost(most) => self.ratio? <= most,
        })
    }
}

impl Limit {
    fn shown(self, unit: &str) -> String {
        match self {
            Self::AtMost(most) => format!("≤ {} {unit}", number(most)),
            Self::AtLeast(least) => format!("≥ {} {unit}", number(least)),
            Self::BeyondBareAtMost(most) => format!("≤ bare + {} {unit}", number(most)),
            Self::RatioAtLeast(least) => format!("≥ {least} × bare"),
            Self::RatioAtMost(most) => format!("≤ {most} × bare"),
        }
    }
}

impl Report {
    /// Adds a figure, and says it at once: the whole takes minutes.
    pub fn add(&mut self, figure: Figure) {
        self.push(figure.into());
    }

    /// Adds a figure of rounds in which Berth's and the bare thing's turn came right after each other. A machine that
    /// is slower for a while is so for both turns of a round, so that the ratio in the middle says more than the ratio
    /// of the two figures.
    pub fn add_paired(&mut self, figure: Figure, (berth, bare): (&[f64], &[f64])) {
        let rounds = berth.iter().zip(bare);
        let ratios: Vec<f64> = rounds.map(|(berth, bare)| berth / bare).collect();
        self.push(Measured {
            ratio: Some(median(&ratios)),
            figure,
        });
    }

    fn push(&mut self, measured: Measured) {
        println!("{}", line(&measured).join("  "));
        self.figures.push(measured);
    }

    /// Notes what could not be measured.
    pub fn skip(&mut self, what: &str, why: &str) {
        println!("{what}: not measured: {why}");
        self.skipped.push(Skipped {
            what: what.to_owned(),
            why: why.to_owned(),
        });
    }

    /// All figures, aligned.
    pub fn table(&self) -> String {
        let head = ["", "Berth", "bare", "ratio", "limit", "", "note"];
        let mut rows = vec![head.map(str::to_owned)];
        rows.extend(self.figures.iter().map(line));
        let widths: Vec<usize> = (0..head.len())
            .map(|column| {
                let cells = rows.iter().map(|row| row[column].chars().count());
                cells.max().unwrap_or(0)
            })
            .collect();
        let mut text = String::from("\n");
        for row in &rows {
            for (cell, width) in row.iter().zip(&widths) {
                text.push_str(cell);
                text.extend(std::iter::repeat_n(' ', width - cell.chars().count() + 2));
            }
            text.truncate(text.trim_end().len());
            text.push('\n');
        }
        for skipped in &self.skipped {
            text.push_str(&format!(
                "{}: not measured: {}\n",
                skipped.what, skipped.why
            ));
        }
        text
    }

    /// Writes all figures as JSON.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let value = serde_json::json!({
            "machine": {"os": env::consts::OS, "arch": env::consts::ARCH, "cores": cores},
            "figures": self.figures,
            "skipped": self.skipped,
        });
        let mut text = serde_json::to_string_pretty(&value)?;
        text.push('\n');
        fs::write(path, text)
    }
}

fn line(measured: &Measured) -> [String; 7] {
    let figure = &measured.figure;
    let with_unit = |value: f64| format!("{} {}", number(value), figure.unit);
    [
        figure.what.clone(),
        with_unit(figure.berth),
        figure.bare.map(with_unit).unwrap_or_default(),
        measured
            .ratio
            .map(|ratio| format!("{ratio:.2}"))
            .unwrap_or_default(),
        figure
            .limit
            .map(|limit| limit.shown(figure.unit))
            .unwrap_or_default(),
        match measured.holds() {
            Some(true) => "holds".to_owned(),
            Some(false) => "BROKEN".to_owned(),
            None => String::new(),
        },
        figure.note.clone(),
    ]
}

/// Three significant digits, and no more.
fn number(value: f64) -> String {
    let digits = match value.abs() {
        large if large >= 100.0 || large == 0.0 => 0,
        middle if middle >= 10.0 => 1,
        small if small >= 1.0 => 2,
        _ => 3,
    };
    format!("{value:.digits$}")
}

/// The value that `share` of the values do not exceed.
pub fn percentile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = (sorted.len() as f64 * share).ceil() as usize;
    sorted
        .get(place.saturating_sub(1))
        .copied()
        .unwrap_or(f64::NAN)
}

/// The value in the middle.
pub fn median(values: &[f64]) -> f64 {
    percentile(values, 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(berth: f64, bare: f64, limit: Limit) -> Figure {
        Figure {
            what: String::new(),
            unit: "ms",
            berth,
            bare: Some(bare),
            limit: Some(limit),
            note: String::new(),
        }
    }

    #[test]
    fn a_limit_holds_up_to_its_value_and_not_beyond() {
        let holds = |berth, limit| Measured::from(figure(berth, 10.0, limit)).holds();
        assert_eq!(holds(5.0, Limit::AtMost(5.0)), Some(true));
        assert_eq!(holds(5.1, Limit::AtMost(5.0)), Some(false));
        assert_eq!(holds(5.0, Limit::AtLeast(5.0)), Some(true));
        assert_eq!(holds(4.9, Limit::AtLeast(5.0)), Some(false));
        assert_eq!(holds(60.0, Limit::BeyondBareAtMost(50.0)), Some(true));
        assert_eq!(holds(61.0, Limit::BeyondBareAtMost(50.0)), Some(false));
        assert_eq!(holds(9.0, Limit::RatioAtLeast(0.9)), Some(true));
        assert_eq!(holds(8.9, Limit::RatioAtLeast(0.9)), Some(false));
        assert_eq!(holds(15.0, Limit::RatioAtMost(1.5)), Some(true));
        assert_eq!(holds(15.1, Limit::RatioAtMost(1.5)), Some(false));
    }

    #[test]
    fn the_ratio_of_rounds_is_the_one_in_the_middle() {
        let mut report = Report::default();
        let limit = Limit::RatioAtLeast(0.9);
        // The machine is half as fast in the second round, and something else runs in the last one.
        let rounds: (&[f64], &[f64]) = (&[96.0, 48.0, 40.0], &[100.0, 50.0, 100.0]);
        report.add_paired(figure(48.0, 100.0, limit), rounds);
        assert_eq!(report.figures[0].ratio, Some(0.96));
        assert_eq!(report.figures[0].holds(), Some(true));
    }

    #[test]
    fn a_percentile_is_a_value_that_was_measured() {
        let values: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(percentile(&values, 0.95), 95.0);
        assert_eq!(median(&values), 50.0);
        assert_eq!(percentile(&[7.0], 0.95), 7.0);
    }
}
