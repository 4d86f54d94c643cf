//! Times and periods for people.

use std::time::Duration;

/// A time such as 2027-01-01T00:00:00Z, in milliseconds since 1970.
pub(super) fn time(text: &str) -> Option<u64> {
    let time: jiff::Timestamp = text.parse().ok()?;
    Some(u64::try_from(time.as_millisecond()).unwrap_or_default())
}

/// A period such as `90d` in milliseconds; a day has 24 hours.
pub(super) fn period(text: &str) -> Option<u64> {
    let span: jiff::Span = text.parse().ok()?;
    let days_are_24_hours = jiff::SpanRelativeTo::days_are_24_hours();
    let millis = span
        .total((jiff::Unit::Millisecond, days_are_24_hours))
        .ok()?;
    let duration = Duration::try_from_secs_f64(millis / 1000.0).ok()?;
    u64::try_from(duration.as_millis()).ok()
}

/// How far a time is from now: "in 12 days", "2 hours ago". The time until then is rounded to
/// minutes first.
pub(super) fn relative(at: u64, now: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(24 * 60, "day"), (60, "hour"), (1, "minute")];
    let rounding = if at > now { 30_000 } else { 0 };
    let minutes = at.abs_diff(now).saturating_add(rounding) / 60_000;
    let found = UNITS.iter().find(|(unit, _)| minutes >= *unit);
    let words = match found.map(|(unit, name)| (minutes / unit, name)) {
        None => "less than a minute".to_owned(),
        Some((1, name)) => format!("1 {name}"),
        Some((count, name)) => format!("{count} {name}s"),
    };
    if at > now {
        format!("in {words}")
    } else {
        format!("{words} ago")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_told_in_the_largest_unit() {
        let day = 86_400_000;
        assert_eq!(relative(13 * day + 5, day), "in 12 days");
        assert_eq!(relative(day, 3 * day), "2 days ago");
        assert_eq!(relative(day + 3_600_000, day), "in 1 hour");
        assert_eq!(relative(day, day + 61_000), "1 minute ago");
        assert_eq!(relative(day + 1, day), "in less than a minute");
        // A moment later, a new token still expires in the period that was given.
        assert_eq!(relative(90 * day, 900), "in 90 days");
        assert_eq!(relative(day, 20_000), "in 1 day");
        assert_eq!(relative(day, 40_000), "in 23 hours");
        assert_eq!(period("1d"), Some(day));
        assert_eq!(period("0s"), Some(0));
        assert_eq!(period("-1d"), None);
    }
}
