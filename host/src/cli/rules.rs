//! `scimguard rules`.

use std::process::ExitCode;

use scimguard_core::Rule;
use serde::Serialize;

const EXAMPLE: &str = "\
Examples:
  scimguard rules
  scimguard rules --json | jq '.[] | select(.id == \"okta-only.group-rename\")'
  scimguard rules --markdown";

/// Print every rule: refusals with their status, and normalisations
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Args {
    /// As JSON, with the full text and the source of each rule
    #[arg(long)]
    json: bool,
    /// As a Markdown table, that of docs/rules.md
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
}

#[derive(Serialize)]
struct Row {
    id: &'static str,
    status: Option<u16>,
    #[serde(rename = "scimType")]
    scim_type: Option<&'static str>,
    doc: &'static str,
    source: &'static str,
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let rules: Vec<&Rule> = scimguard_core::rules().collect();
    if args.json {
        let rows: Vec<Row> = rules.iter().map(|rule| row(rule)).collect();
        anstream::println!("{}", serde_json::to_string_pretty(&rows)?);
    } else if args.markdown {
        anstream::print!("{}", markdown(&rules));
    } else {
        table(&rules);
    }
    Ok(ExitCode::SUCCESS)
}

fn row(rule: &Rule) -> Row {
    Row {
        id: rule.id,
        status: rule.status,
        scim_type: rule.scim_type,
        doc: rule.doc,
        source: rule.source,
    }
}

fn table(rules: &[&Rule]) {
    let width = rules.iter().map(|rule| rule.id.len()).max().unwrap_or(0);
    anstream::println!(
        "{:width$}  {:6}  {:14}  MEANING",
        "RULE",
        "STATUS",
        "SCIMTYPE"
    );
    for rule in rules {
        let status = rule
            .status
            .map_or_else(|| "change".to_owned(), |status| status.to_string());
        let scim_type = rule.scim_type.unwrap_or("");
        let meaning = first_sentence(rule.doc);
        anstream::println!("{:width$}  {status:6}  {scim_type:14}  {meaning}", rule.id);
    }
}

fn first_sentence(doc: &str) -> &str {
    doc.find(". ").map_or(doc, |end| &doc[..=end])
}

fn markdown(rules: &[&Rule]) -> String {
    let mut text =
        String::from("| rule | status | scimType | meaning | source |\n|---|---|---|---|---|\n");
    for rule in rules {
        let status = rule
            .status
            .map_or_else(String::new, |status| status.to_string());
        let cells = [
            &format!("`{}`", rule.id),
            &status,
            rule.scim_type.unwrap_or(""),
            rule.doc,
            rule.source,
        ];
        text.push_str("| ");
        text.push_str(&cells.join(" | "));
        text.push_str(" |\n");
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_documentation_has_the_rule_table() {
        let rules: Vec<_> = scimguard_core::rules().collect();
        let page = include_str!("../../../docs/rules.md");
        assert!(
            page.contains(&super::markdown(&rules)),
            "the table in docs/rules.md is not what `scimguard rules --markdown` prints"
        );
    }
}
