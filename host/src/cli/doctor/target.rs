//! The guard to query, and the account and principal that the query is about.

use anyhow::{Context as _, bail};
use http::Uri;
use scimguard_core::Guard;
use scimguard_interface::Policy as _;

use super::Args;
use crate::engine::Engine;

/// The guard to query.
pub(super) struct Target {
    pub(super) server: Uri,
    /// Path of the account's SCIM endpoints.
    pub(super) base: String,
    pub(super) account: Option<String>,
    /// The token's, if the store is available.
    pub(super) principal: Option<String>,
    /// The account's, as far as the policy is available.
    pub(super) provider: String,
}

impl Target {
    /// Reads the arguments.
    pub(super) fn new(args: &Args, policy: &str) -> anyhow::Result<Self> {
        let text = args.url.as_deref().unwrap_or_default();
        let fault = || format!("--url {text:?} is not a URL such as https://guard.example.com");
        let uri: Uri = text.parse().with_context(fault)?;
        let mut parts = uri.into_parts();
        let known = parts.scheme.as_ref().map(http::uri::Scheme::as_str);
        let plain = parts
            .authority
            .as_ref()
            .filter(|it| !it.as_str().contains('@'));
        if !matches!(known, Some("http" | "https")) || plain.is_none() {
            bail!(fault());
        }
        let path = parts
            .path_and_query
            .replace(http::uri::PathAndQuery::from_static("/"));
        let path = path
            .as_ref()
            .map_or("", |path| path.path())
            .trim_end_matches('/');
        let server = Uri::from_parts(parts).with_context(fault)?;
        let engine = Engine::native(policy)?;
        let template = &engine.settings().scim_base;
        let (base, account) = match (&args.account, path) {
            (Some(account), "") => (
                template.replace("{account}", account),
                Some(account.clone()),
            ),
            (None, "") => bail!("give --account, or the SCIM connector base URL as --url"),
            (given, path) => (
                path.to_owned(),
                given.clone().or_else(|| account_in(template, path)),
            ),
        };
        let guard = Guard::configure(policy).ok();
        let provider = guard.map(|guard| {
            guard
                .provider(account.as_deref().unwrap_or_default())
                .to_owned()
        });
        Ok(Self {
            server,
            base,
            account,
            principal: None,
            provider: provider.unwrap_or_else(|| "PROVIDER".to_owned()),
        })
    }
}

/// The account that a path names by this template.
fn account_in(template: &str, path: &str) -> Option<String> {
    let (before, after) = template.split_once("{account}")?;
    let account = path.strip_prefix(before)?.strip_suffix(after)?;
    (!account.is_empty() && !account.contains('/')).then(|| account.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_read_from_the_connector_base_url() {
        let template = "/scim/account/{account}";
        assert_eq!(
            account_in(template, "/scim/account/A").as_deref(),
            Some("A")
        );
        assert_eq!(account_in(template, "/scim/account/A/B"), None);
        assert_eq!(account_in(template, "/scim"), None);
    }
}
