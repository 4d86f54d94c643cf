//! Who owns what, proved from outside: every combination of the model against the program and the
//! plugin, long histories with the guard killed on the way, races between the provider and
//! administrators.

mod combinations;
mod histories;
mod observing_proxy;
mod races;
mod record;
mod scenario;
mod suites;
mod test_bed;
mod ways;

/// The token that is bound to the provider.
const PROVISIONER_TOKEN: &str = "pat.ACC1.okta.s3cret";
/// A token with the same rights that is bound to nobody.
const OPERATOR_TOKEN: &str = "pat.ACC1.admin.s3cret";
/// How the provider's client is called: the guard lets the application know.
const PROVIDER: &str = "Okta SCIM Client 1.0.0";
