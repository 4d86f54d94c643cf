//! `scimguard lint`.

use std::path::PathBuf;
use std::process::ExitCode;

use serde::Serialize;

use crate::lint::points::{self, Point, Profile, Side, Source, Weight};
use crate::lint::report::{Report, paragraphs, side};

const EXAMPLE: &str = "\
Examples:
  scimguard lint exchange.har
  scimguard lint --profile rfc --json exchange.har decisions.log
  scimguard lint --points

  A file is a HAR file (from a browser's network tab, or a proxy), a case suite, or the log of
  scimguard serve. Reports contain no values, only names and places.

Exit status: 0 no findings, 1 findings, 2 unreadable input.";

/// Report where recorded exchanges violate the RFCs and the profiles
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Args {
    /// The documents to check against; may be given several times [default: all]
    #[arg(long = "profile", value_enum, value_name = "DOCUMENT")]
    profiles: Vec<Profile>,
    /// The path of the SCIM endpoints, such as /scim/v2 [default: what precedes /Users and the
    /// like]
    #[arg(long, value_name = "PATH", conflicts_with = "points")]
    base: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
    /// List what is checked
    #[arg(long, conflicts_with = "files")]
    points: bool,
    /// Recorded exchanges
    #[arg(value_name = "FILE", required_unless_present = "points")]
    files: Vec<PathBuf>,
}

#[derive(Serialize)]
struct Row {
    id: &'static str,
    side: Side,
    weight: Weight,
    sources: Vec<Source>,
    doc: &'static str,
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let profiles = match args.profiles {
        given if given.is_empty() => vec![Profile::Rfc, Profile::Interop, Profile::Ipsie],
        given => given,
    };
    if args.points {
        return list(&profiles, args.json);
    }
    if let Some(base) = &args.base {
        anyhow::ensure!(
            base.starts_with('/'),
            "--base {base}: expected a path such as /scim/v2"
        );
    }
    let mut files = Vec::new();
    for path in &args.files {
        files.push(crate::lint::file(path, args.base.as_deref())?);
    }
    let report = Report::new(&files, &profiles);
    if args.json {
        anstream::println!("{}", report.json()?);
    } else {
        anstream::print!("{}", report.text());
    }
    Ok(ExitCode::from(u8::from(report.has_departures())))
}

fn list(profiles: &[Profile], json: bool) -> anyhow::Result<ExitCode> {
    let rows: Vec<Row> = points::all()
        .iter()
        .map(|point| row(point, profiles))
        .filter(|row| !row.sources.is_empty())
        .collect();
    if json {
        anstream::println!("{}", serde_json::to_string_pretty(&rows)?);
        return Ok(ExitCode::SUCCESS);
    }
    let width = rows.iter().map(|row| row.id.len()).max().unwrap_or(0);
    for row in &rows {
        let note = match row.weight {
            Weight::Departure => "",
            Weight::Note => " (note)",
        };
        anstream::println!(
            "{:width$}  {}  {}{note}  [{}]",
            row.id,
            side(row.side),
            row.doc,
            paragraphs(&row.sources)
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn row(point: &Point, profiles: &[Profile]) -> Row {
    Row {
        id: point.id,
        side: point.side,
        weight: point.weight,
        sources: point.sources_in(profiles),
        doc: point.doc,
    }
}
