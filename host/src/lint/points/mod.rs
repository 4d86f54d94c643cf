//! What is checked, as data: each point with its side, document and paragraph.
//!
//! The guard's own rules are points too: what it refuses or rewrites as non-canonical SCIM is a finding
//! about a client. All others are tables in [`client`] and [`server`], next to their checks.

pub(super) mod client;
pub(super) mod server;

use std::sync::LazyLock;

use clap::ValueEnum;
use serde::Serialize;

/// One checked requirement of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Point {
    pub(crate) id: &'static str,
    pub(crate) side: Side,
    pub(crate) weight: Weight,
    pub(crate) sources: Vec<Source>,
    /// One sentence or two.
    pub(crate) doc: &'static str,
}

/// The side at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Side {
    Client,
    Server,
}

/// Whether it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Weight {
    Departure,
    /// Permitted, and good to know.
    Note,
}

/// A document to check against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Profile {
    /// RFC 7643, RFC 7644 and what they rest on
    Rfc,
    /// SCIM 2.0 Interoperability Profile
    Interop,
    /// IPSIE SCIM profile
    Ipsie,
}

/// A paragraph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Source {
    pub(crate) profile: Profile,
    #[serde(rename = "paragraph")]
    pub(crate) text: &'static str,
}

/// A point as written in a table.
pub(super) struct Row {
    pub(super) id: &'static str,
    pub(super) side: Side,
    pub(super) weight: Weight,
    pub(super) sources: &'static [Source],
    pub(super) doc: &'static str,
}

/// Declares points from their doc comments, and the table of them.
macro_rules! points {
    ($side:ident: $($(#[doc = $doc:literal])+ $name:ident = $id:literal, $weight:ident, [$($profile:ident $text:literal),+];)+) => {
        $(pub(in $crate::lint) static $name: $crate::lint::points::Row = $crate::lint::points::Row {
            id: $id,
            side: $crate::lint::points::Side::$side,
            weight: $crate::lint::points::Weight::$weight,
            sources: &[$($crate::lint::points::Source {
                profile: $crate::lint::points::Profile::$profile,
                text: $text,
            }),+],
            doc: concat!($($doc,)+).trim_ascii(),
        };)+

        /// The points of this module.
        pub(in $crate::lint) const ROWS: &[&$crate::lint::points::Row] = &[$(&$name),+];
    };
}
use points;

/// Refusals and normalisations of the guard that are no findings about a client: its own limits and
/// decisions, its preferred form, what [`client`] reports more precisely, and what no attribute of
/// RFC 7643 can violate.
const NO_POINTS: &[&str] = &[
    "route.missing-account",
    "route.unguarded",
    "body.too-large",
    "body.too-deep",
    "schema.custom",
    "patch.too-many",
    "bulk.too-many",
    "mutability.immutable",
    "normalise.path",
    "normalise.primary",
    "normalise.no-effect",
];

/// The families of rules that define SCIM.
const FAMILIES: &[&str] = &[
    "route.",
    "body.",
    "schema.",
    "patch.",
    "filter.",
    "mutability.",
    "bulk.",
    "normalise.",
];

/// Normalisations that remove what a client may send.
const NOTES: &[&str] = &["normalise.query", "normalise.not-synced"];

static ALL: LazyLock<Vec<Point>> = LazyLock::new(|| {
    let rules = scimguard_core::rules().filter_map(of_rule);
    let rows = [client::ROWS, server::ROWS];
    let rows = rows.into_iter().flatten().map(|row| Point {
        id: row.id,
        side: row.side,
        weight: row.weight,
        sources: row.sources.to_vec(),
        doc: row.doc,
    });
    rules.chain(rows).collect()
});

/// Every point.
pub(crate) fn all() -> &'static [Point] {
    &ALL
}

/// The point of this id.
pub(super) fn by_id(id: &str) -> Option<&'static Point> {
    ALL.iter().find(|point| point.id == id)
}

fn of_rule(rule: &'static scimguard_core::Rule) -> Option<Point> {
    let judged = FAMILIES.iter().any(|family| rule.id.starts_with(family));
    if !judged || NO_POINTS.contains(&rule.id) {
        return None;
    }
    let profile = if rule.source.starts_with("SCIM 2.0 Interoperability Profile") {
        Profile::Interop
    } else {
        Profile::Rfc
    };
    // What follows a semicolon says who does it, not where it is written.
    let text = rule.source.split(';').next().unwrap_or(rule.source);
    let text = match rule.id {
        // What the guard's policy calls not synced is read-only under the policy of this command.
        "normalise.not-synced" => "RFC 7643 §2.2, RFC 7644 §3.5.1",
        _ => text,
    };
    Some(Point {
        id: rule.id,
        side: Side::Client,
        weight: if NOTES.contains(&rule.id) {
            Weight::Note
        } else {
            Weight::Departure
        },
        sources: vec![Source { profile, text }],
        doc: rule.doc,
    })
}

// === impl Point ===

impl Point {
    /// The paragraphs in these documents; none if the point is not in them.
    pub(crate) fn sources_in(&self, profiles: &[Profile]) -> Vec<Source> {
        let wanted = |source: &&Source| profiles.contains(&source.profile);
        self.sources.iter().filter(wanted).copied().collect()
    }
}
