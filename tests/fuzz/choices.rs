//! Choices that the engine's bytes make. When the bytes end, every choice is the first one, so that
//! everything that is built ends too.

use serde_json::Value;

/// The bytes that are left.
pub(crate) struct Choices<'a>(&'a [u8]);

impl<'a> Choices<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            Some((first, rest)) => {
                self.0 = rest;
                *first
            }
            None => 0,
        }
    }

    /// Whether all that follows is the first choice.
    pub(crate) fn is_over(&self) -> bool {
        self.0.is_empty()
    }

    /// A number below this one, which is at most 256.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::from(self.byte()) % limit
    }

    /// Once in so many times.
    pub(crate) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == times - 1
    }

    pub(crate) fn pick<'p, T>(&mut self, all: &'p [T]) -> &'p T {
        &all[self.below(all.len())]
    }

    /// One of these texts, or now and then any other.
    pub(crate) fn text(&mut self, usual: &[&str]) -> String {
        if !self.once_in(24) {
            return (*self.pick(usual)).to_owned();
        }
        let odd = [
            "",
            " ",
            "\u{0}",
            "\u{200b}u1",
            "\u{fdfa}",
            "I\u{307}",
            "a/b?c#d",
            "\"\\",
        ];
        if self.once_in(2) {
            return (*self.pick(&odd)).to_owned();
        }
        let length = self.below(16).min(self.0.len());
        let (text, rest) = self.0.split_at(length);
        self.0 = rest;
        String::from_utf8_lossy(text).into_owned()
    }
}

/// A list `scale` times as long. The elements differ, and no more choices are made than for one.
pub(crate) fn longer(elements: Vec<Value>, scale: usize) -> Vec<Value> {
    let again = (0..scale).flat_map(|index| {
        let each = elements.iter();
        each.map(move |element| other(element, index))
    });
    again.collect()
}

fn other(element: &Value, index: usize) -> Value {
    let mut element = element.clone();
    let text = match &mut element {
        Value::Object(parts) => ["value", "bulkId"]
            .iter()
            .find_map(|name| {
                let known = parts.keys().any(|known| known == name);
                known.then_some(*name)
            })
            .and_then(|name| parts.get_mut(name)),
        text => Some(text),
    };
    if let (Some(Value::String(text)), 1..) = (text, index) {
        text.insert_str(0, &index.to_string());
    }
    element
}
