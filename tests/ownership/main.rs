//! Who owns what, proved from outside: every combination of the model against the program and the
//! plugin, long histories with the guard killed on the way, races between the provider and
//! administrators.

mod combinations;
mod scene;
mod suites;
mod ways;

/// The account of every test.
const ACCOUNT: &str = "ACC1";
/// The token that is bound to the provider.
const PROVISIONER_TOKEN: &str = "pat.ACC1.okta.s3cret";
/// A token with the same rights that is bound to nobody.
const OPERATOR_TOKEN: &str = "pat.ACC1.admin.s3cret";
