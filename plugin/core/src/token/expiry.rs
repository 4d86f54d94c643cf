//! Describes when a token expired.

use time::UtcDateTime;
use time::format_description::well_known::Rfc3339;

/// Such as `2 days ago, on 2026-11-22T08:00:00Z`.
pub(super) fn words(expired: u64, now: u64) -> String {
    let ago = ago(now.saturating_sub(expired) / 1000);
    let moment = i64::try_from(expired)
        .ok()
        .and_then(|millis| UtcDateTime::from_unix_timestamp(millis / 1000).ok())
        .and_then(|moment| moment.format(&Rfc3339).ok());
    match moment {
        Some(moment) => format!("{ago}, on {moment}"),
        None => ago,
    }
}

/// Uses whole units, the largest that fits.
fn ago(seconds: u64) -> String {
    let units = [(86_400, "day"), (3600, "hour"), (60, "minute")];
    let Some((size, unit)) = units.into_iter().find(|(size, _)| seconds >= *size) else {
        return "less than a minute ago".to_owned();
    };
    match seconds / size {
        1 => format!("1 {unit} ago"),
        several => format!("{several} {unit}s ago"),
    }
}
