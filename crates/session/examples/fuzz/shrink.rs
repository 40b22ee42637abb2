//! Makes a case that breaks a rule smaller, so that a person can read it.

use std::time::{Duration, Instant};

use crate::{
    case::{Case, Step},
    check,
    watch::Watch,
};

/// How long that may take.
const TIME: Duration = Duration::from_secs(20);

/// The smallest case found that still breaks a rule, and what it breaks.
pub fn smaller(mut case: Case, watch: &Watch, slot: usize) -> (Case, String) {
    let until = Instant::now() + TIME;
    let broken = |case: &Case| watch.watched(slot, case, || check::check(case)).err();
    let mut why = broken(&case).unwrap_or_else(|| "it does so only sometimes".to_owned());
    let mut part = case.steps.len().next_power_of_two();
    // Steps first, then the bytes of those that are left.
    while part > 0 {
        let mut at = 0;
        while at < case.steps.len() && Instant::now() < until {
            let mut less = case.clone();
            less.steps.drain(at..(at + part).min(case.steps.len()));
            match broken(&less) {
                Some(still) => (case, why) = (less, still),
                None => at += part,
            }
        }
        part /= 2;
    }
    for step in 0..case.steps.len() {
        let mut part = case.steps[step].bytes().next_power_of_two();
        while part > 0 {
            let mut at = 0;
            while at < case.steps[step].bytes() && Instant::now() < until {
                let mut less = case.clone();
                if let Step::Output(bytes) = &mut less.steps[step] {
                    bytes.drain(at..(at + part).min(bytes.len()));
                }
                match broken(&less) {
                    Some(still) => (case, why) = (less, still),
                    None => at += part,
                }
            }
            part /= 2;
        }
    }
    (case, why)
}
