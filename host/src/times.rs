//! Times for display.

/// A time to the minute, in UTC.
pub(crate) fn shown(millis: Option<u64>) -> String {
    millis
        .and_then(|millis| i64::try_from(millis).ok())
        .and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok())
        .map_or_else(
            || "never".to_owned(),
            |time| time.strftime("%Y-%m-%d %H:%M").to_string(),
        )
}
