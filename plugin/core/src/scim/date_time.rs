//! Dates with times in the format of RFC 7643 §2.3.5: `dateTime` of XML Schema 1.1, part 2, §3.3.7.
//!
//! Libraries read ISO 8601 or RFC 3339, which differ: here a zone is optional, `T` and `Z` are
//! capitals, a day may end at midnight (24:00), and years may have any number of digits.

/// Whether a text is an xsd:dateTime.
pub(crate) fn is_date_time(text: &str) -> bool {
    parse(text).is_some()
}

fn parse(text: &str) -> Option<()> {
    // Before the year 0, which is a leap year like the year -4.
    let (year, rest) = year(text.strip_prefix('-').unwrap_or(text))?;
    let (month, rest) = two_digits(rest.strip_prefix('-')?)?;
    let (day, rest) = two_digits(rest.strip_prefix('-')?)?;
    let rest = time(rest.strip_prefix('T')?)?;
    let days = days_of(year, month)?;
    ((1..=days).contains(&day) && is_zone(rest)).then_some(())
}

/// Years have at least four digits, and no leading zero if more.
fn year(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    let (year, rest) = text.split_at_checked(end)?;
    let is_year = match year.len() {
        0..4 => false,
        4 => true,
        _ => !year.starts_with('0'),
    };
    is_year.then_some((year, rest))
}

/// Returns the rest after `hh:mm:ss` and an optional fraction.
fn time(text: &str) -> Option<&str> {
    let (hour, rest) = two_digits(text)?;
    let (minute, rest) = two_digits(rest.strip_prefix(':')?)?;
    let (second, rest) = two_digits(rest.strip_prefix(':')?)?;
    let (fraction, rest) = match rest.strip_prefix('.') {
        None => ("", rest),
        Some(rest) => {
            let end = rest
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(rest.len());
            rest.split_at_checked(end)
                .filter(|(digits, _)| !digits.is_empty())?
        }
    };
    let is_end_of_day =
        (hour, minute, second) == (24, 0, 0) && fraction.bytes().all(|digit| digit == b'0');
    (is_end_of_day || (hour < 24 && minute < 60 && second < 60)).then_some(rest)
}

/// The zone is empty, `Z`, or an offset of at most fourteen hours.
fn is_zone(text: &str) -> bool {
    let Some(offset) = text.strip_prefix(['+', '-']) else {
        return matches!(text, "" | "Z");
    };
    let zone = || {
        let (hour, rest) = two_digits(offset)?;
        let (minute, rest) = two_digits(rest.strip_prefix(':')?)?;
        Some(rest.is_empty() && minute < 60 && (hour < 14 || (hour, minute) == (14, 0)))
    };
    zone().unwrap_or(false)
}

fn two_digits(text: &str) -> Option<(u32, &str)> {
    let (digits, rest) = text.split_at_checked(2)?;
    let is_number = digits.bytes().all(|digit| digit.is_ascii_digit());
    is_number.then_some((digits.parse().ok()?, rest))
}

/// Returns the number of days in a month. A year may have any number of digits; the last four
/// decide.
fn days_of(year: &str, month: u32) -> Option<u32> {
    let last_four: u32 = year.get(year.len().checked_sub(4)?..)?.parse().ok()?;
    let is_leap = last_four.is_multiple_of(4)
        && (!last_four.is_multiple_of(100) || last_four.is_multiple_of(400));
    match month {
        2 if is_leap => Some(29),
        2 => Some(28),
        4 | 6 | 9 | 11 => Some(30),
        1..=12 => Some(31),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::is_date_time;

    #[test]
    fn dates_of_xml_schema() {
        for text in [
            "2008-01-23T04:56:22Z",
            "2008-01-23T04:56:22",
            "2008-01-23T04:56:22.123456789012Z",
            "2008-01-23T04:56:22.0+14:00",
            "2008-01-23T04:56:22-13:59",
            "2008-01-23T24:00:00Z",
            "2008-01-23T24:00:00.000",
            "0000-02-29T00:00:00Z",
            "-0044-03-15T12:00:00Z",
            "12008-02-29T00:00:00Z",
            "2000-02-29T00:00:00Z",
        ] {
            assert!(is_date_time(text), "{text}");
        }
    }

    #[test]
    fn and_none() {
        for text in [
            "",
            "2008-01-23",
            "2008-01-23T04:56Z",
            "2008-01-23 04:56:22Z",
            "2008-01-23t04:56:22Z",
            "2008-01-23T04:56:22z",
            "2008-01-23T04:56:22Z[UTC]",
            "20080123T045622Z",
            "2008-W04-3T04:56:22Z",
            "2008-023T04:56:22Z",
            "2008-01-23T04:56:22.Z",
            "2008-01-23T04:56:22,5Z",
            "2008-01-23T04:56:60Z",
            "2016-12-31T23:59:60Z",
            "2008-01-23T24:00:01Z",
            "2008-01-23T24:00:00.1Z",
            "2008-01-23T25:00:00Z",
            "2008-01-23T04:60:22Z",
            "2008-01-23T04:56:22+14:01",
            "2008-01-23T04:56:22+1400",
            "2008-01-23T04:56:22+14",
            "2008-13-01T00:00:00Z",
            "2008-00-01T00:00:00Z",
            "2008-04-31T00:00:00Z",
            "2007-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "2008-01-00T00:00:00Z",
            "208-01-23T04:56:22Z",
            "02008-01-23T04:56:22Z",
            "+2008-01-23T04:56:22Z",
            " 2008-01-23T04:56:22Z",
            "2008-01-23T04:56:22Z ",
            "２００８-01-23T04:56:22Z",
        ] {
            assert!(!is_date_time(text), "{text}");
        }
    }
}
