//! One line that says how far something is, as wide as the terminal allows. What says least goes first: the bar,
//! then what stays the same or is told elsewhere; the time that is left goes last.

use std::time::Duration;

use super::Report;
use crate::pass;

/// A share of the time spent waiting for pictures that is worth telling.
const WAIT: f64 = 0.1;
/// Signs between the ends of a bar.
const BAR: usize = 24;

/// A part of the line.
struct Piece {
    text: String,
    /// When it goes: the largest first, 0 never.
    rank: u8,
}

fn piece(rank: u8, text: impl Into<String>) -> Piece {
    Piece { text: text.into(), rank }
}

/// A line of at most `width` signs about a report of a run of `total` steps.
pub(super) fn of_report(report: &Report, total: u64, left: Option<Duration>, width: usize) -> String {
    let mut pieces = vec![
        piece(4, format!("epoch {}/{}", report.epoch, report.epochs)),
        piece(9, bar(report.step as f64 / total.max(1) as f64)),
        piece(1, format!("{}/{total}", report.step)),
    ];
    pieces.extend(figures(report, left));
    fit(pieces, width)
}

/// The same for a log: a line of any width, without a bar.
pub(super) fn of_report_in_log(report: &Report, total: u64, left: Option<Duration>) -> String {
    let place = format!("epoch {}/{} {}/{total}", report.epoch, report.epochs, report.step);
    let figures = figures(report, left).into_iter().map(|piece| piece.text);
    std::iter::once(place).chain(figures).collect::<Vec<_>>().join(" ")
}

fn figures(report: &Report, left: Option<Duration>) -> Vec<Piece> {
    let Report { loss, chance, lr, images_per_s, wait_share, .. } = report;
    let mut pieces = vec![piece(2, format!("loss {loss:.3}"))];
    pieces.extend(chance.map(|(name, level)| piece(8, format!("({name} {level:.3})"))));
    pieces.push(piece(7, format!("lr {}", rate(*lr))));
    let speed = format!("{} img/s", pass::per_second(*images_per_s));
    if *wait_share > WAIT {
        pieces.push(piece(5, format!("{speed},")));
        pieces.push(piece(6, format!("{:.0} % waiting for pictures", wait_share * 100.0)));
    } else {
        pieces.push(piece(5, speed));
    }
    pieces.extend(left.map(|left| piece(0, format!("{} left", clock(left)))));
    pieces
}

/// A line of at most `width` signs about a pass.
pub(super) fn of_pass(progress: &pass::Progress, width: usize) -> String {
    fit(told(progress, true), width)
}

/// The same for a log.
pub(super) fn of_pass_in_log(progress: &pass::Progress) -> String {
    fit(told(progress, false), usize::MAX)
}

fn told(progress: &pass::Progress, with_bar: bool) -> Vec<Piece> {
    let pass::Progress { doing, unit, done, total, seconds } = *progress;
    let mut pieces = vec![piece(2, format!("{doing}:"))];
    if with_bar && total > 0 {
        pieces.push(piece(9, bar(done as f64 / total as f64)));
    }
    match (total, unit) {
        (_, "") => {}
        (0, unit) => {
            let unit = if done == 1 { unit.strip_suffix('s').unwrap_or(unit) } else { unit };
            pieces.push(piece(1, format!("{done} {unit}")));
        }
        (total, unit) => {
            pieces.push(piece(1, format!("{done}/{total}")));
            pieces.push(piece(6, unit));
        }
    }
    if let Some(rate) = progress.rate() {
        pieces.push(piece(5, format!("{} a second", pass::per_second(rate))));
    }
    let left = progress.seconds_left().and_then(|left| Duration::try_from_secs_f64(left).ok());
    pieces.push(match left {
        Some(left) => piece(0, format!("{} left", clock(left))),
        None => piece(0, clock(Duration::try_from_secs_f64(seconds).unwrap_or_default())),
    });
    pieces
}

/// Joins the pieces, less those of the highest ranks where they are too long together; what never goes is cut.
fn fit(mut pieces: Vec<Piece>, width: usize) -> String {
    loop {
        let line = pieces.iter().map(|piece| piece.text.as_str()).collect::<Vec<_>>().join(" ");
        if line.chars().count() <= width {
            return line;
        }
        let last = pieces.iter().map(|piece| piece.rank).max().unwrap_or(0);
        if last == 0 {
            return line.chars().take(width).collect();
        }
        pieces.retain(|piece| piece.rank != last);
    }
}

fn bar(share: f64) -> String {
    let filled = ((share.clamp(0.0, 1.0) * BAR as f64) as usize).min(BAR);
    let head = usize::from(filled > 0 && filled < BAR);
    format!("[{}{}{}]", "=".repeat(filled - head), ">".repeat(head), " ".repeat(BAR - filled))
}

/// A learning rate in two digits that count: 4.8, 0.0018, 6.3e-6.
fn rate(lr: f64) -> String {
    if lr == 0.0 || lr >= 100.0 {
        return format!("{lr:.0}");
    }
    if lr < 1e-4 {
        return format!("{lr:.1e}");
    }
    let digits = (1.0 - lr.log10().floor()).clamp(0.0, 6.0) as usize;
    format!("{lr:.digits$}")
}

/// A time in its two largest units: 3m12s, 2h05m, 4d03h.
pub fn clock(time: Duration) -> String {
    let s = time.as_secs();
    let (m, h, d) = (s / 60, s / 3600, s / 86_400);
    match s {
        0..60 => format!("{s}s"),
        60..3600 => format!("{m}m{:02}s", s % 60),
        3600..86_400 => format!("{h}h{:02}m", m % 60),
        _ => format!("{d}d{:02}h", h % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::at;
    use super::*;

    fn report() -> Report {
        at(129)
    }

    #[test]
    fn a_log_reads_as_one_line() {
        let left = Some(Duration::from_secs(192));
        assert_eq!(
            of_report_in_log(&report(), 1892, left),
            "epoch 3/44 129/1892 loss 4.213 (ln K 5.704) lr 0.0018 812 img/s 3m12s left"
        );
        let waiting = Report { wait_share: 0.31, images_per_s: 1.84, loss: f64::NAN, ..report() };
        assert_eq!(
            of_report_in_log(&waiting, 1892, None),
            "epoch 3/44 129/1892 loss NaN (ln K 5.704) lr 0.0018 1.8 img/s, 31 % waiting for pictures"
        );
    }

    #[test]
    fn a_narrow_terminal_loses_the_bar_first_and_the_time_left_last() {
        let left = Some(Duration::from_secs(192));
        let at = |width| of_report(&report(), 1892, left, width);
        assert_eq!(
            at(120),
            "epoch 3/44 [>                       ] 129/1892 loss 4.213 (ln K 5.704) lr 0.0018 812 img/s 3m12s left"
        );
        let no_bar = "epoch 3/44 129/1892 loss 4.213 (ln K 5.704) lr 0.0018 812 img/s 3m12s left";
        assert_eq!([at(100), at(80)], [no_bar; 2]);
        assert_eq!(at(60), "epoch 3/44 129/1892 loss 4.213 812 img/s 3m12s left");
        assert_eq!(at(32), "129/1892 loss 4.213 3m12s left");
        assert_eq!([at(20), at(12), at(4)], ["129/1892 3m12s left", "3m12s left", "3m12"]);
    }

    #[test]
    fn every_width_is_kept_and_has_the_time_left() {
        // As long as a line gets: a slow run on many pictures.
        let long = Report {
            epoch: 1234,
            epochs: 2000,
            step: 12_345_678,
            lr: 6.3e-6,
            images_per_s: 1.84,
            wait_share: 0.93,
            ..report()
        };
        for width in [60, 80, 100, 120] {
            let line = of_report(&long, 22_222_222, Some(Duration::from_secs(270_000)), width);
            assert!(line.chars().count() <= width && line.ends_with("3d03h left"), "{width}: {line}");
            assert!(line.contains("loss 4.213"), "{width}: {line}");
        }
    }

    #[test]
    fn a_pass_says_what_it_does_and_how_long_it_will_take() {
        let pass = pass::Progress {
            doing: "looking at pictures",
            unit: "pictures",
            done: 2500,
            total: 10_000,
            seconds: 5.0,
        };
        let at = |width| of_pass(&pass, width);
        let whole = "looking at pictures: 2500/10000 pictures 500 a second 15s left";
        assert_eq!(at(100), whole.replace("2500/", "[=====>                  ] 2500/"));
        assert_eq!([at(80), of_pass_in_log(&pass)], [whole; 2]);
        assert_eq!(at(60), "looking at pictures: 2500/10000 500 a second 15s left");
        assert_eq!(at(24), "2500/10000 15s left");
        let unknown = pass::Progress { total: 0, seconds: 61.0, done: 0, ..pass };
        assert_eq!(of_pass_in_log(&unknown), "looking at pictures: 0 pictures 1m01s");
        let one = pass::Progress { done: 1, ..unknown };
        assert!(
            of_pass_in_log(&one).starts_with("looking at pictures: 1 picture 0."),
            "{}",
            of_pass_in_log(&one)
        );
        let bare = pass::Progress { unit: "", ..unknown };
        assert_eq!(of_pass_in_log(&bare), "looking at pictures: 1m01s");
    }

    #[test]
    fn numbers_keep_two_digits() {
        assert_eq!([rate(4.8), rate(0.0018), rate(6.3e-6), rate(0.0)], ["4.8", "0.0018", "6.3e-6", "0"]);
        let clocks = [5, 192, 7500, 270_000].map(|s| clock(Duration::from_secs(s)));
        assert_eq!(clocks, ["5s", "3m12s", "2h05m", "3d03h"]);
    }
}
