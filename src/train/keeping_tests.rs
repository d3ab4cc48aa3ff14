//! What a run of a given time says of itself before its first step.

use super::budget::Budget;
use super::forecast::{Forecast, tests::forecast};
use super::keeping::Keeping;
use std::time::{Duration, Instant};

#[test]
fn a_run_of_less_than_an_epoch_says_that_it_leaves_pictures_out() {
    let epoch = forecast().rhythm.epoch;
    let said = |total_steps: u64| {
        let budget = Budget { time: Duration::from_secs(60), since: Instant::now() };
        Keeping::new(budget, Forecast { total_steps, ..forecast() }, Vec::new()).sentence()
    };
    let short = said(epoch - 1);
    assert!(short.contains(" epochs, so that some pictures are never trained on."), "{short}");
    for enough in [epoch, 5 * epoch] {
        assert!(!said(enough).contains("never"), "{}", said(enough));
    }
}
