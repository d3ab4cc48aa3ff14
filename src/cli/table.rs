//! What commands print alike: sizes, times, and the rows of a profile.

use std::fmt::Write as _;

use crate::gpu::ProfileRow;

/// Lines of a table; what follows is summed.
const ROWS: usize = 24;

/// Rows of a profile: how often, how long, which share of `total` milliseconds, and how many GB it
/// moves a second.
pub(super) fn table(head: &str, rows: &[ProfileRow], total: f64) -> String {
    let wide = rows.iter().take(ROWS).map(|row| row.label.chars().count()).max().unwrap_or(0).max(head.len());
    let mut text = format!("\n  {head:wide$}  calls         ms  share   GB/s\n");
    let mut line = |row: &ProfileRow| {
        let ProfileRow { label, calls, milliseconds, .. } = row;
        let share = 100.0 * milliseconds / total.max(1e-9);
        let speed = row.gigabytes_per_second();
        let _ =
            writeln!(text, "  {label:wide$}  {calls:>5}  {milliseconds:>9.3}  {share:>4.1}%  {speed:>5.1}");
    };
    rows.iter().take(ROWS).for_each(&mut line);
    let rest = rows.get(ROWS..).unwrap_or_default();
    if !rest.is_empty() {
        line(&ProfileRow {
            label: "the others".to_owned(),
            calls: rest.iter().map(|row| row.calls).sum(),
            milliseconds: rest.iter().map(|row| row.milliseconds).sum(),
            bytes: rest.iter().map(|row| row.bytes).sum(),
        });
    }
    text
}

/// A size in GiB or MiB.
pub(super) fn bytes(size: u64) -> String {
    let mib = size as f64 / f64::from(1 << 20);
    if mib >= 1024.0 { format!("{:.1} GiB", mib / 1024.0) } else { format!("{mib:.0} MiB") }
}

/// Seconds in three digits that count.
pub(super) fn seconds(time: f64) -> String {
    match time {
        10.0.. => format!("{time:.1} s"),
        1.0..10.0 => format!("{time:.2} s"),
        0.1..1.0 => format!("{:.0} ms", time * 1e3),
        _ => format!("{:.2} ms", time * 1e3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_table_ends_with_the_others() {
        let row =
            |i: usize| ProfileRow { label: format!("l{i}"), calls: 1, milliseconds: 1.0, bytes: 3_000_000 };
        let rows: Vec<_> = (0..30).map(row).collect();
        let text = table("layer", &rows, 30.0);
        let last: Vec<_> = text.lines().last().unwrap().split_whitespace().collect();
        assert_eq!(last, ["the", "others", "6", "6.000", "20.0%", "3.0"], "{text}");
        assert_eq!(text.lines().count(), ROWS + 3);
    }

    #[test]
    fn times_are_short() {
        let shown = [22.04, 2.512, 0.2441, 0.00312].map(seconds);
        assert_eq!(shown, ["22.0 s", "2.51 s", "244 ms", "3.12 ms"]);
    }

    #[test]
    fn sizes_are_short() {
        assert_eq!([bytes(3 << 20), bytes(3 << 29)], ["3 MiB", "1.5 GiB"]);
    }
}
