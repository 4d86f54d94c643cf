//! A text in decoded form, with the source of each byte.

use std::ops::Range;

/// Nobody decodes a text more often than this.
const DECODINGS: usize = 6;

/// The decoded bytes with their places in the text.
pub(super) struct Reading {
    bytes: Vec<u8>,
    places: Vec<(usize, usize)>,
}

// === impl Reading ===

impl Reading {
    pub(super) fn of(text: &str) -> Self {
        let mut reading = Self {
            bytes: text.as_bytes().to_vec(),
            places: (0..text.len()).map(|at| (at, at + 1)).collect(),
        };
        for _ in 0..DECODINGS {
            if !reading.decode() {
                break;
            }
        }
        reading
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the range of the text that these bytes come from.
    pub(super) fn source(&self, range: Range<usize>) -> Range<usize> {
        let at = |index: usize| self.places.get(index).copied().unwrap_or_default();
        match range.is_empty() {
            true => 0..0,
            false => at(range.start).0..at(range.end - 1).1,
        }
    }

    /// Decodes once; returns whether anything was encoded.
    fn decode(&mut self) -> bool {
        if !self.bytes.iter().any(|byte| matches!(byte, b'%' | b'\\')) {
            return false;
        }
        let mut read = Self {
            bytes: Vec::with_capacity(self.bytes.len()),
            places: Vec::with_capacity(self.bytes.len()),
        };
        let mut at = 0;
        while at < self.bytes.len() {
            let (byte, taken) = unit(&self.bytes[at..]);
            read.bytes.push(byte);
            read.places
                .push((self.places[at].0, self.places[at + taken - 1].1));
            at += taken;
        }
        let some = read.bytes.len() < self.bytes.len();
        *self = read;
        some
    }
}

/// Returns the first byte, decoded, and how many bytes encode it.
fn unit(text: &[u8]) -> (u8, usize) {
    let hex = |digits: &[u8]| {
        let all = digits.iter().all(u8::is_ascii_hexdigit);
        let text = std::str::from_utf8(digits).ok().filter(|_| all)?;
        u32::from_str_radix(text, 16).ok()
    };
    let decoded = match text {
        [b'%', digits @ ..] => digits.get(..2).and_then(hex).map(|value| (value, 3)),
        [b'\\', b'u', digits @ ..] => digits.get(..4).and_then(hex).map(|value| (value, 6)),
        [b'\\', byte @ (b'/' | b'"' | b'\\'), ..] => Some((u32::from(*byte), 2)),
        _ => None,
    };
    decoded
        .and_then(|(value, taken)| Some((u8::try_from(value).ok()?, taken)))
        .unwrap_or((text[0], 1))
}
