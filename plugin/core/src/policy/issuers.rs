//! Issuers of tokens other than the guard's own store, and the claims that the guard reads
//! (`tokens.issuers`).

use serde::Deserialize;

use crate::json::pointer_tokens;

/// One issuer as the document writes it.
#[derive(Deserialize)]
pub(super) struct IssuerDocument {
    issuer: String,
    #[serde(default)]
    kind: IssuerKind,
    #[serde(default)]
    audience: Vec<String>,
    algorithms: Option<Vec<String>>,
    #[serde(default = "one_minute")]
    clock_skew_seconds: u64,
    account: Option<String>,
    provider: Option<String>,
    #[serde(default)]
    confirmation: Confirmation,
    #[serde(default)]
    claims: ClaimsDocument,
}

/// JSON Pointers into the claims.
#[derive(Default, Deserialize)]
struct ClaimsDocument {
    account: Option<String>,
    principal: Option<String>,
    permissions: Option<String>,
    provider: Option<String>,
}

/// How a token is verified.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum IssuerKind {
    /// By its signature.
    #[default]
    Jwt,
    /// By asking the issuer about each token (RFC 7662).
    Introspection,
}

/// How to treat a token that is bound to its holder's key (`cnf`, RFC 7800). A Bearer credential
/// does not prove that the sender has the key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Confirmation {
    /// Refuse it.
    #[default]
    Refuse,
    /// Accept it like an unbound token: something in front of the guard has checked the key.
    Ignore,
}

/// One issuer, ready to judge its tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Issuer {
    /// The exact `iss` of its tokens.
    pub(crate) issuer: String,
    pub(crate) kind: IssuerKind,
    /// One of these must be in `aud`. Empty: any audience.
    pub(crate) audience: Vec<String>,
    /// The algorithms that may sign a JWT.
    pub(crate) algorithms: Vec<String>,
    /// How far the issuer's clock may be off, in milliseconds.
    pub(crate) skew: u64,
    pub(crate) account: Claim,
    pub(crate) principal: Pointer,
    /// `None`: the principal's permissions apply.
    pub(crate) permissions: Option<Pointer>,
    /// `None`: the tokens belong to no identity provider.
    pub(crate) provider: Option<Claim>,
    pub(crate) confirmation: Confirmation,
}

/// The source of a value that a token carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// The same value for all tokens of the issuer.
    Fixed(String),
    /// The value of a claim.
    At(Pointer),
}

/// The tokens of a JSON Pointer (RFC 6901 §4).
pub(crate) type Pointer = Vec<String>;

/// The default algorithms: every one in the schema that uses a public key.
const ALGORITHMS: [&str; 7] = [
    "RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA",
];

fn one_minute() -> u64 {
    60
}

/// Compiles all issuers of an account. A fault carries its place below `tokens`.
pub(super) fn compile(documents: Vec<IssuerDocument>) -> Result<Vec<Issuer>, (String, String)> {
    let mut issuers: Vec<Issuer> = Vec::with_capacity(documents.len());
    for (index, document) in documents.into_iter().enumerate() {
        let place = |field: &str| format!("issuers/{index}/{field}");
        if issuers.iter().any(|other| other.issuer == document.issuer) {
            return Err((
                place("issuer"),
                "this issuer is listed twice, so its tokens would be ambiguous".to_owned(),
            ));
        }
        let issuer = Issuer::compile(document)
            .map_err(|(field, message)| (place(field), message.to_owned()))?;
        issuers.push(issuer);
    }
    Ok(issuers)
}

// === impl Issuer ===

impl Issuer {
    /// Checks what the document's schema cannot report in helpful words.
    fn compile(document: IssuerDocument) -> Result<Self, (&'static str, &'static str)> {
        let is_jwt = document.kind == IssuerKind::Jwt;
        if is_jwt && document.audience.is_empty() {
            return Err((
                "audience",
                "the `aud` of tokens for this guard is missing; without it the guard would accept every token of the issuer, whatever its audience",
            ));
        }
        if !is_jwt && document.algorithms.is_some() {
            return Err((
                "algorithms",
                "introspection needs no algorithms, since it does not verify signatures",
            ));
        }
        let claims = document.claims;
        let account = match (document.account, claims.account) {
            (Some(account), None) => Claim::Fixed(account),
            (None, Some(pointer)) => Claim::at(&pointer),
            (None, None) => {
                return Err((
                    "account",
                    "the account that the issuer vouches for is missing; give `account`, or `claims.account` with the JSON Pointer of the claim that names it",
                ));
            }
            (Some(_), Some(_)) => {
                return Err((
                    "account",
                    "give either `account` or `claims.account`, not both",
                ));
            }
        };
        let provider = match (document.provider, claims.provider) {
            (Some(provider), None) => Some(Claim::Fixed(provider)),
            (None, Some(pointer)) => Some(Claim::at(&pointer)),
            (None, None) => None,
            (Some(_), Some(_)) => {
                return Err((
                    "provider",
                    "give either `provider` or `claims.provider`, not both",
                ));
            }
        };
        Ok(Self {
            issuer: document.issuer,
            kind: document.kind,
            audience: document.audience,
            algorithms: document
                .algorithms
                .unwrap_or_else(|| ALGORITHMS.map(str::to_owned).to_vec()),
            skew: document.clock_skew_seconds.saturating_mul(1000),
            account,
            principal: pointer(claims.principal.as_deref().unwrap_or("/sub")),
            permissions: claims.permissions.as_deref().map(pointer),
            provider,
            confirmation: document.confirmation,
        })
    }
}

impl Claim {
    fn at(text: &str) -> Self {
        Self::At(pointer(text))
    }
}

fn pointer(text: &str) -> Pointer {
    pointer_tokens(text).collect()
}
