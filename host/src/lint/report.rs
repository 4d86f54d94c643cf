//! The report: for people as text, for programs as one JSON document. Neither shows a value.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::findings::Finding;
use super::points::{Point, Profile, Side, Source, Weight};
use super::{At, Found};
use crate::plural::counted;
use crate::text::{printable, without_values};

/// Places of one point that the text shows for one entry.
const SHOWN: usize = 3;

/// The findings, limited to the requested documents.
pub(crate) struct Report<'f> {
    files: &'f [Found],
    profiles: &'f [Profile],
}

#[derive(Serialize)]
struct Document<'f> {
    files: Vec<FileSummary<'f>>,
    findings: Vec<Row<'f>>,
    points: Vec<PointSummary>,
    departures: usize,
    notes: usize,
}

#[derive(Serialize)]
struct FileSummary<'f> {
    file: &'f str,
    kind: &'static str,
    entries: usize,
    passed_over: usize,
}

#[derive(Serialize)]
struct Row<'f> {
    file: &'f str,
    entry: usize,
    name: Option<&'f str>,
    method: &'f str,
    path: String,
    side: Side,
    weight: Weight,
    point: &'static str,
    place: &'f str,
    what: &'f str,
    sources: Vec<Source>,
}

#[derive(Serialize)]
struct PointSummary {
    point: &'static str,
    side: Side,
    weight: Weight,
    places: usize,
    entries: usize,
    sources: Vec<Source>,
    doc: &'static str,
}

/// How often a point was found.
struct Count {
    point: &'static Point,
    places: usize,
    entries: usize,
}

// === impl Report ===

impl<'f> Report<'f> {
    pub(crate) fn new(files: &'f [Found], profiles: &'f [Profile]) -> Self {
        Self { files, profiles }
    }

    /// Whether there are findings other than notes.
    pub(crate) fn has_departures(&self) -> bool {
        self.count(Weight::Departure) > 0
    }

    fn count(&self, weight: Weight) -> usize {
        let all = self.files.iter().flat_map(|file| &file.at);
        all.flat_map(|at| self.of(at))
            .filter(|finding| finding.point.weight == weight)
            .count()
    }

    /// The findings of an entry that are in the documents.
    fn of<'a>(&self, at: &'a At) -> impl Iterator<Item = &'a Finding> + use<'a, 'f> {
        let profiles = self.profiles;
        at.findings
            .iter()
            .filter(move |finding| !finding.point.sources_in(profiles).is_empty())
    }

    /// Points by frequency, departures first.
    fn counts(&self) -> Vec<Count> {
        let mut counts: BTreeMap<&str, Count> = BTreeMap::new();
        for at in self.files.iter().flat_map(|file| &file.at) {
            let mut seen: Vec<&str> = Vec::new();
            for finding in self.of(at) {
                let point = finding.point;
                let count = counts.entry(point.id).or_insert(Count {
                    point,
                    places: 0,
                    entries: 0,
                });
                count.places += 1;
                if !seen.contains(&point.id) {
                    seen.push(point.id);
                    count.entries += 1;
                }
            }
        }
        let mut counts: Vec<Count> = counts.into_values().collect();
        counts.sort_by_key(|count| {
            let is_note = count.point.weight == Weight::Note;
            (is_note, std::cmp::Reverse(count.entries))
        });
        counts
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for file in self.files {
            for at in &file.at {
                self.entry(&file.file, at, &mut text);
            }
        }
        self.summary(&mut text);
        text
    }

    fn entry(&self, file: &str, at: &At, text: &mut String) {
        let findings: Vec<&Finding> = self.of(at).collect();
        if findings.is_empty() {
            return;
        }
        let name = at
            .name
            .as_deref()
            .map(|name| format!("  ({})", printable(name)));
        line(
            text,
            format_args!(
                "{}:{} {} {}{}",
                printable(file),
                at.entry,
                printable(&at.method),
                printable(&without_values(&at.path)),
                name.unwrap_or_default()
            ),
        );
        let mut shown: BTreeMap<&str, usize> = BTreeMap::new();
        for finding in &findings {
            let so_far = shown.entry(finding.point.id).or_default();
            *so_far += 1;
            if *so_far <= SHOWN {
                self.finding(finding, text);
            }
        }
        for (id, count) in shown.into_iter().filter(|(_, count)| *count > SHOWN) {
            line(
                text,
                format_args!(
                    "  …       {id}: {}",
                    counted(count - SHOWN, "more place", "more places")
                ),
            );
        }
        text.push('\n');
    }

    fn finding(&self, finding: &Finding, text: &mut String) {
        let point = finding.point;
        let note = match point.weight {
            Weight::Departure => "",
            Weight::Note => "note: ",
        };
        let what = printable(&finding.what);
        line(
            text,
            format_args!(
                "  {}  {}  {}: {note}{} ({})",
                side(point.side),
                point.id,
                printable(&finding.place),
                what.trim_end_matches('.'),
                paragraphs(&point.sources_in(self.profiles))
            ),
        );
    }

    fn summary(&self, text: &mut String) {
        let counts = self.counts();
        let width = counts.iter().map(|count| count.point.id.len()).max();
        let width = width.unwrap_or_default().max("POINT".len());
        if !counts.is_empty() {
            line(
                text,
                format_args!(
                    "{:width$}  SIDE    ENTRIES  PLACES  WHERE IT IS WRITTEN",
                    "POINT"
                ),
            );
        }
        for count in &counts {
            let note = match count.point.weight {
                Weight::Departure => "",
                Weight::Note => " (note)",
            };
            line(
                text,
                format_args!(
                    "{:width$}  {}  {:7}  {:6}  {}{note}",
                    count.point.id,
                    side(count.point.side),
                    count.entries,
                    count.places,
                    paragraphs(&count.point.sources_in(self.profiles))
                ),
            );
        }
        if !counts.is_empty() {
            text.push('\n');
        }
        for file in self.files {
            let passed_over = match file.passed_over {
                0 => String::new(),
                1 => ", 1 of them without a SCIM endpoint".to_owned(),
                more => format!(", {more} of them without a SCIM endpoint"),
            };
            line(
                text,
                format_args!(
                    "{}: {}, entries: {}{passed_over}",
                    printable(&file.file),
                    file.kind,
                    file.entries
                ),
            );
        }
        line(
            text,
            format_args!(
                "Departures: {}, notes: {}",
                self.count(Weight::Departure),
                self.count(Weight::Note)
            ),
        );
    }

    /// For programs.
    pub(crate) fn json(&self) -> serde_json::Result<String> {
        let mut findings = Vec::new();
        for file in self.files {
            for at in &file.at {
                findings.extend(self.of(at).map(|finding| self.row(file, at, finding)));
            }
        }
        serde_json::to_string_pretty(&Document {
            files: self.files.iter().map(FileSummary::of).collect(),
            findings,
            points: self
                .counts()
                .iter()
                .map(|count| self.point(count))
                .collect(),
            departures: self.count(Weight::Departure),
            notes: self.count(Weight::Note),
        })
    }

    fn row<'a>(&self, file: &'a Found, at: &'a At, finding: &'a Finding) -> Row<'a> {
        Row {
            file: &file.file,
            entry: at.entry,
            name: at.name.as_deref(),
            method: &at.method,
            path: without_values(&at.path),
            side: finding.point.side,
            weight: finding.point.weight,
            point: finding.point.id,
            place: &finding.place,
            what: &finding.what,
            sources: finding.point.sources_in(self.profiles),
        }
    }

    fn point(&self, count: &Count) -> PointSummary {
        PointSummary {
            point: count.point.id,
            side: count.point.side,
            weight: count.point.weight,
            places: count.places,
            entries: count.entries,
            sources: count.point.sources_in(self.profiles),
            doc: count.point.doc,
        }
    }
}

// === impl FileSummary ===

impl<'f> FileSummary<'f> {
    fn of(found: &'f Found) -> Self {
        Self {
            file: &found.file,
            kind: found.kind,
            entries: found.entries,
            passed_over: found.passed_over,
        }
    }
}

/// Paragraphs on one line.
pub(crate) fn paragraphs(sources: &[Source]) -> String {
    let texts: Vec<&str> = sources.iter().map(|source| source.text).collect();
    texts.join("; ")
}

/// The side at fault, in fixed width.
pub(crate) fn side(side: Side) -> &'static str {
    match side {
        Side::Client => "client",
        Side::Server => "server",
    }
}

fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = text.write_fmt(arguments);
    text.push('\n');
}
