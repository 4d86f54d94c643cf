//! `scimguard okta-settings`: what to enter in Okta's app integration, as the guarded product's
//! documentation has it.

use std::fmt::{self, Display};
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use clap::ValueEnum;
use http::Uri;
use serde::Serialize;

const EXAMPLE: &str = "\
Examples:
  scimguard okta-settings --account ACC1
  scimguard okta-settings --account ACC1 --cluster prod3 --public-url https://scim.example.com --json";

/// Print what to enter in Okta
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Args {
    /// The account's id
    #[arg(long, value_name = "ID")]
    account: String,
    /// Where the account lives
    #[arg(long, value_enum, default_value_t = Cluster::Prod1)]
    cluster: Cluster,
    /// The guard's own address, where Okta reaches it [default: the application's]
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Cluster {
    Prod1,
    Prod2,
    Prod3,
}

#[derive(Serialize)]
struct Settings {
    single_sign_on_url: String,
    audience_uri: &'static str,
    attribute_statements: [AttributeStatement; 1],
    scim_connector_base_url: String,
    unique_identifier_field: &'static str,
    supported_provisioning_actions: [&'static str; 4],
    authentication_mode: &'static str,
    to_app: [&'static str; 3],
}

#[derive(Serialize)]
struct AttributeStatement {
    name: &'static str,
    name_format: &'static str,
    value: &'static str,
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let settings = settings(&args)?;
    if args.json {
        anstream::println!("{}", serde_json::to_string_pretty(&settings)?);
    } else {
        anstream::print!("{settings}");
    }
    Ok(ExitCode::SUCCESS)
}

fn settings(args: &Args) -> anyhow::Result<Settings> {
    let account = &args.account;
    ensure!(
        stands_in_a_path(account),
        "--account: {account:?} cannot stand in a URL path; give the id with letters, digits, \
         `-`, `_`, `.` and `~` only, as the application's account settings show it"
    );
    let application = match args.cluster {
        Cluster::Prod1 => "https://app.harness.io",
        Cluster::Prod2 => "https://app.harness.io/gratis",
        Cluster::Prod3 => "https://app3.harness.io",
    };
    let scim = match &args.public_url {
        Some(url) => address(url).with_context(|| format!("--public-url: {url}"))?,
        None => application,
    };
    Ok(Settings {
        single_sign_on_url: format!(
            "{application}/gateway/api/users/saml-login?accountId={account}"
        ),
        audience_uri: "app.harness.io",
        attribute_statements: [AttributeStatement {
            name: "email",
            name_format: "Basic",
            value: "user.email",
        }],
        scim_connector_base_url: format!("{scim}/gateway/ng/api/scim/account/{account}"),
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

/// RFC 3986 §2.3: characters that mean nothing else anywhere in a URL.
fn stands_in_a_path(account: &str) -> bool {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    !matches!(account, "" | "." | "..") && account.bytes().all(unreserved)
}

fn address(url: &str) -> anyhow::Result<&str> {
    let uri: Uri = url.parse()?;
    ensure!(
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.authority().is_some(),
        "give an address such as https://scim.example.com"
    );
    ensure!(
        uri.query().is_none() && !url.contains('#'),
        "an address has no `?` and no `#`"
    );
    Ok(url.trim_end_matches('/'))
}

impl Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [email] = &self.attribute_statements;
        writeln!(f, "Single sign-on (SAML)")?;
        line(f, "Single sign-on URL", &self.single_sign_on_url)?;
        line(f, "Audience URI (SP Entity ID)", self.audience_uri)?;
        let statement = format!("{} ({}) = {}", email.name, email.name_format, email.value);
        line(f, "Attribute statement", statement)?;
        writeln!(f, "\nProvisioning (SCIM)")?;
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

fn line(f: &mut fmt::Formatter<'_>, name: &str, value: impl Display) -> fmt::Result {
    writeln!(f, "  {name:30}  {value}")
}
