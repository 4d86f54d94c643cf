//! Text put into a source file, and where the mutants came to lie.

use std::ops::Range;

use super::Number;

/// Changes of a text, in any order.
#[derive(Default)]
pub(super) struct Insertions {
    wraps: Vec<Wrap>,
    replaced: Vec<(Range<usize>, String)>,
}

struct Wrap {
    range: Range<usize>,
    open: String,
    close: String,
    numbers: Vec<Number>,
    is_match: bool,
}

/// A text with mutants in it.
#[derive(Default)]
pub(crate) struct Written {
    pub(crate) text: String,
    /// Mutants that are not in it since they cannot compile.
    pub(super) impossible: Vec<Number>,
    /// Where each mutant is in it; they may lie within one another.
    mutants: Vec<(Range<usize>, Vec<Number>)>,
    /// Where each match is in it, with its mutants without an arm.
    matches: Vec<(Range<usize>, Vec<Number>)>,
}

impl Insertions {
    /// Puts text around a range. Of two ranges, one lies within the other.
    pub(super) fn wrap(
        &mut self,
        range: Range<usize>,
        open: String,
        close: String,
        numbers: impl IntoIterator<Item = Number>,
    ) {
        self.wraps.push(Wrap {
            range,
            open,
            close,
            numbers: numbers.into_iter().collect(),
            is_match: false,
        });
    }

    pub(super) fn insert(
        &mut self,
        at: usize,
        text: String,
        numbers: impl IntoIterator<Item = Number>,
    ) {
        self.wrap(at..at, text, String::new(), numbers);
    }

    /// The deleted arms of a match.
    pub(super) fn matches(&mut self, range: Range<usize>, numbers: Vec<Number>) {
        self.wraps.push(Wrap {
            range,
            open: String::new(),
            close: String::new(),
            numbers,
            is_match: true,
        });
    }

    /// Replaces text in which nothing else is changed.
    pub(super) fn replace(&mut self, range: Range<usize>, text: String) {
        self.replaced.push((range, text));
    }

    pub(super) fn into_text(mut self, source: &str) -> Written {
        // What is wide opens first and closes last.
        self.wraps
            .sort_by_key(|wrap| (wrap.range.start, std::cmp::Reverse(wrap.range.end)));
        self.replaced.sort_by_key(|(range, _)| range.start);
        let mut written = Written {
            text: String::with_capacity(source.len() * 2),
            ..Written::default()
        };
        let mut opened: Vec<(Wrap, usize)> = Vec::new();
        let mut wraps = self.wraps.into_iter().peekable();
        let mut replaced = self.replaced.into_iter().peekable();
        let mut skip_to = 0;
        for at in 0..=source.len() {
            while opened
                .last()
                .is_some_and(|(wrap, _)| wrap.range.end == at && !wrap.range.is_empty())
            {
                written.close(&mut opened);
            }
            while wraps.peek().is_some_and(|wrap| wrap.range.start == at) {
                let Some(wrap) = wraps.next() else { break };
                let begins = written.text.len();
                written.text.push_str(&wrap.open);
                let is_empty = wrap.range.is_empty();
                opened.push((wrap, begins));
                if is_empty {
                    written.close(&mut opened);
                }
            }
            if let Some((range, text)) = replaced.next_if(|(range, _)| range.start == at) {
                written.text.push_str(&text);
                skip_to = range.end;
            }
            if at >= skip_to
                && source.is_char_boundary(at)
                && let Some(character) = source[at..].chars().next()
            {
                written.text.push(character);
            }
        }
        written
    }
}

impl Written {
    fn close(&mut self, opened: &mut Vec<(Wrap, usize)>) {
        if let Some((wrap, begins)) = opened.pop() {
            self.text.push_str(&wrap.close);
            let list = match wrap.is_match {
                true => &mut self.matches,
                false => &mut self.mutants,
            };
            list.push((begins..self.text.len(), wrap.numbers));
        }
    }

    /// The mutants of the narrowest change that holds this range, or lies in it.
    pub(crate) fn at(&self, range: &Range<usize>) -> &[Number] {
        let lies = |place: &Range<usize>| range.start <= place.start && place.end <= range.end;
        narrowest(&self.mutants, |place| holds(place, range))
            .or_else(|| narrowest(&self.mutants, lies))
            .unwrap_or_default()
    }

    /// A deleted arm of the match around this range.
    pub(crate) fn arm_at(&self, range: &Range<usize>) -> Option<Number> {
        let arms = narrowest(&self.matches, |place| holds(place, range))?;
        let mut arms = arms.iter();
        arms.find(|arm| self.numbers().any(|number| number == **arm))
            .copied()
    }

    /// The mutants that are left out since they cannot compile.
    pub(crate) fn impossible(&self) -> &[Number] {
        &self.impossible
    }

    /// Every mutant in the text.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = Number> {
        self.mutants
            .iter()
            .flat_map(|(_, numbers)| numbers)
            .copied()
    }
}

fn holds(place: &Range<usize>, range: &Range<usize>) -> bool {
    place.start <= range.start && range.end <= place.end
}

fn narrowest(
    places: &[(Range<usize>, Vec<Number>)],
    fits: impl Fn(&Range<usize>) -> bool,
) -> Option<&[Number]> {
    let fitting = places.iter().filter(|(place, _)| fits(place));
    let narrowest = fitting.min_by_key(|(place, _)| place.len());
    narrowest.map(|(_, numbers)| &**numbers)
}
