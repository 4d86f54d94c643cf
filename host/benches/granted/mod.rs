//! Tokens of service accounts with all permissions.

use scimguard_core::sha256_hex;
use scimguard_store::{NewToken, PrincipalKind, PrincipalRow, Store};
use scimguard_tests::fixtures::{ACCOUNT, PERMISSIONS};

/// Adds a service account of this id with this token, which is bound to a provider or to none.
pub(crate) async fn token(
    store: &Store,
    text: &str,
    id: &str,
    provider: Option<&str>,
) -> anyhow::Result<()> {
    let principal = PrincipalRow {
        account: ACCOUNT.to_owned(),
        id: id.to_owned(),
        kind: PrincipalKind::ServiceAccount,
        active: true,
        permissions: PERMISSIONS.map(str::to_owned).to_vec(),
        created: 0,
    };
    store.create_principal(&principal).await?;
    let token = NewToken {
        sha256: sha256_hex(text.as_bytes()),
        prefix: "sat",
        account: ACCOUNT.to_owned(),
        id: id.to_owned(),
        principal: id.to_owned(),
        provider: provider.map(str::to_owned),
        expires: None,
        created: 0,
        created_by: None,
        rotated_from: None,
    };
    Ok(store.create_token(&token).await?)
}
