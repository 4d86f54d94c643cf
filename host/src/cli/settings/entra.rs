//! `scimguard entra-settings`: what to enter in an enterprise application of Microsoft Entra ID.

use std::fmt::{self, Display};
use std::process::ExitCode;

use serde::Serialize;

use super::{Given, line};

const EXAMPLE: &str = "\
Examples:
  scimguard entra-settings --config scimguard.toml --account ACC1
  scimguard entra-settings --policy policy.json --account ACC1 --public-url https://guard.example.com --json";

/// Print what to enter in Microsoft Entra ID
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    pub(super) given: Given,
}

#[derive(Serialize)]
struct Settings {
    provisioning_mode: &'static str,
    tenant_url: String,
    matching_attribute: &'static str,
    user_mappings: [Mapping; 6],
    group_mappings: [Mapping; 3],
}

/// An attribute of Entra ID, and the SCIM attribute that it fills.
#[derive(Clone, Copy, Serialize)]
struct Mapping {
    source: &'static str,
    target: &'static str,
}

const fn mapping(source: &'static str, target: &'static str) -> Mapping {
    Mapping { source, target }
}

pub(in crate::cli) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let connector = args.given.connector()?;
    connector.expect("entra", &args.given.account);
    let settings = Settings {
        provisioning_mode: "Automatic",
        tenant_url: connector.base_url,
        matching_attribute: "userName",
        user_mappings: [
            mapping("userPrincipalName", "userName"),
            mapping("objectId", "externalId"),
            mapping(
                "Switch([IsSoftDeleted], , \"False\", \"True\", \"True\", \"False\")",
                "active",
            ),
            mapping("mail", "emails[type eq \"work\"].value"),
            mapping("givenName", "name.givenName"),
            mapping("surname", "name.familyName"),
        ],
        group_mappings: [
            mapping("displayName", "displayName"),
            mapping("objectId", "externalId"),
            mapping("members", "members"),
        ],
    };
    args.given.show(&settings)
}

impl Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Provisioning")?;
        line(f, "Provisioning mode", self.provisioning_mode)?;
        line(f, "Tenant URL", &self.tenant_url)?;
        line(
            f,
            "Secret token",
            "the text that `scimguard token create` prints",
        )?;
        line(f, "Matching attribute", self.matching_attribute)?;
        let kinds = [
            ("users", &self.user_mappings[..]),
            ("groups", &self.group_mappings[..]),
        ];
        for (kind, mappings) in kinds {
            writeln!(f, "\nMappings of {kind}")?;
            for mapping in mappings {
                line(f, mapping.target, mapping.source)?;
            }
        }
        Ok(())
    }
}
