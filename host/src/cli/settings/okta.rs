//! `scimguard okta-settings`: what to enter in Okta's app integration, with single sign-on
//! according to the guarded product's documentation.

use std::fmt::{self, Display};
use std::process::ExitCode;

use clap::ValueEnum;
use serde::Serialize;

use super::{Given, line};

const EXAMPLE: &str = "\
Examples:
  scimguard okta-settings --config scimguard.toml --account ACC1
  scimguard okta-settings --policy policy.json --account ACC1 --public-url https://guard.example.com --json";

/// Print what to enter in Okta
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    given: Given,
    /// The account's cluster, for single sign-on with the preset `harness`
    #[arg(long, value_enum, default_value_t = Cluster::Prod1)]
    cluster: Cluster,
}

#[derive(Clone, Copy, ValueEnum)]
enum Cluster {
    Prod1,
    Prod2,
    Prod3,
}

#[derive(Serialize)]
struct Settings {
    /// Only for the product of the preset `harness`; other applications have their own.
    #[serde(flatten)]
    single_sign_on: Option<SingleSignOn>,
    scim_connector_base_url: String,
    unique_identifier_field: &'static str,
    supported_provisioning_actions: [&'static str; 4],
    authentication_mode: &'static str,
    to_app: [&'static str; 3],
}

#[derive(Serialize)]
struct SingleSignOn {
    single_sign_on_url: String,
    audience_uri: &'static str,
    attribute_statements: [AttributeStatement; 1],
}

#[derive(Serialize)]
struct AttributeStatement {
    name: &'static str,
    name_format: &'static str,
    value: &'static str,
}

/// Prints the settings of an application that is not the one of the preset `harness`.
pub(super) fn print(given: Given) -> anyhow::Result<ExitCode> {
    run(&Args {
        given,
        cluster: Cluster::Prod1,
    })
}

pub(in crate::cli) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let settings = settings(args)?;
    args.given.show(&settings)
}

fn settings(args: &Args) -> anyhow::Result<Settings> {
    let account = &args.given.account;
    let connector = args.given.connector()?;
    connector.expect("okta", account);
    let application = match args.cluster {
        Cluster::Prod1 => "https://app.harness.io",
        Cluster::Prod2 => "https://app.harness.io/gratis",
        Cluster::Prod3 => "https://app3.harness.io",
    };
    Ok(Settings {
        single_sign_on: connector.is_harness.then(|| SingleSignOn {
            single_sign_on_url: format!(
                "{application}/gateway/api/users/saml-login?accountId={account}"
            ),
            audience_uri: "app.harness.io",
            attribute_statements: [AttributeStatement {
                name: "email",
                name_format: "Basic",
                value: "user.email",
            }],
        }),
        scim_connector_base_url: connector.base_url,
        unique_identifier_field: "userName",
        supported_provisioning_actions: [
            "Import new users and profile updates",
            "Push new users",
            "Push profile updates",
            "Push groups",
        ],
        authentication_mode: "HTTP Header",
        to_app: ["Create Users", "Update User Attributes", "Deactivate Users"],
    })
}

impl Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(sign_on) = &self.single_sign_on {
            let [email] = &sign_on.attribute_statements;
            writeln!(f, "Single sign-on (SAML)")?;
            line(f, "Single sign-on URL", &sign_on.single_sign_on_url)?;
            line(f, "Audience URI (SP Entity ID)", sign_on.audience_uri)?;
            let statement = format!("{} ({}) = {}", email.name, email.name_format, email.value);
            line(f, "Attribute statement", statement)?;
            writeln!(f)?;
        }
        writeln!(f, "Provisioning (SCIM)")?;
        line(f, "SCIM connector base URL", &self.scim_connector_base_url)?;
        line(f, "Unique identifier field", self.unique_identifier_field)?;
        let actions = self.supported_provisioning_actions.join(", ");
        line(f, "Supported provisioning actions", actions)?;
        line(f, "Authentication mode", self.authentication_mode)?;
        line(
            f,
            "Authorization",
            "Bearer, the text that `scimguard token create` prints",
        )?;
        line(f, "To App", self.to_app.join(", "))
    }
}
