//! Numbers for people, always in the same units and widths.

/// A time in two units: `6m 53s`, `2h 05m`, `12s`.
#[must_use]
pub fn time(seconds: f64) -> String {
    let all = seconds.max(0.0).round().min(1e12) as u64;
    let (hours, minutes, seconds) = (all / 3600, all / 60 % 60, all % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds}s"),
        (0, _) => format!("{minutes}m {seconds:02}s"),
        _ => format!("{hours}h {minutes:02}m"),
    }
}

/// Bytes in binary units: `42 MiB`, `3.1 GiB`.
#[must_use]
pub fn bytes(bytes: u64) -> String {
    let mib = bytes as f64 / f64::from(1 << 20);
    match mib {
        _ if mib < 1024.0 => format!("{mib:.0} MiB"),
        _ => format!("{:.1} GiB", mib / 1024.0),
    }
}

/// Thousands set apart by a thin space, from five digits on.
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if digits.len() > 4 && at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('\u{2009}');
        }
        text.push(digit);
    }
    text
}

/// How long ago, roughly.
#[must_use]
pub fn ago(seconds: u64) -> String {
    let of = |n: u64, unit: &str| format!("{n} {unit}{} ago", if n == 1 { "" } else { "s" });
    match seconds {
        0..=59 => "just now".to_owned(),
        60..=3599 => of(seconds / 60, "minute"),
        3600..=86_399 => of(seconds / 3600, "hour"),
        _ => of(seconds / 86_400, "day"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!([time(12.4), time(413.0), time(7500.0), time(-1.0)], ["12s", "6m 53s", "2h 05m", "0s"]);
        assert_eq!([bytes(44_040_192), bytes(3_328_599_654)], ["42 MiB", "3.1 GiB"]);
        assert_eq!([count(7), count(1892), count(1_281_167)], ["7", "1892", "1\u{2009}281\u{2009}167"]);
        assert_eq!(
            [ago(3), ago(61), ago(7200), ago(86_400)],
            ["just now", "1 minute ago", "2 hours ago", "1 day ago"]
        );
    }
}
