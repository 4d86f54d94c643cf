//! Who issues tokens beside the guard's own store, and where in their claims stands what the guard
//! has to know (`tokens.issuers`).

use serde::Deserialize;

use crate::json::pointer_tokens;

/// One issuer as it is written.
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

/// Who says that a token is good.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum IssuerKind {
    /// Its signature.
    #[default]
    Jwt,
    /// The issuer, asked about each (RFC 7662).
    Introspection,
}

/// What becomes of a token that is bound to a key of its holder (`cnf`, RFC 7800): a Bearer credential
/// does not prove that its sender has the key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Confirmation {
    /// It is refused.
    #[default]
    Refuse,
    /// It is taken like one that is not bound: something in front of the guard has checked the key.
    Ignore,
}

/// One issuer, ready to judge its tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Issuer {
    /// Exactly the `iss` of its tokens.
    pub(crate) issuer: String,
    pub(crate) kind: IssuerKind,
    /// One of these must be in `aud`. Empty: whoever the token is for.
    pub(crate) audience: Vec<String>,
    /// What a JWT may be signed with.
    pub(crate) algorithms: Vec<String>,
    /// How far the issuer's clock may be off, in milliseconds.
    pub(crate) skew: u64,
    pub(crate) account: Claim,
    pub(crate) principal: Pointer,
    /// `None`: those of the principal.
    pub(crate) permissions: Option<Pointer>,
    /// `None`: the tokens were given to no identity provider.
    pub(crate) provider: Option<Claim>,
    pub(crate) confirmation: Confirmation,
}

/// Where something that a token stands for comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// It is the same for all tokens of the issuer.
    Fixed(String),
    /// A claim tells it.
    At(Pointer),
}

/// The tokens of a JSON Pointer (RFC 6901 §4).
pub(crate) type Pointer = Vec<String>;

/// What a JWT may be signed with if the document does not say: every algorithm with a public key
/// that the schema knows.
const ALGORITHMS: [&str; 7] = [
    "RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA",
];

fn one_minute() -> u64 {
    60
}

/// All issuers of an account. A fault comes with its place below `tokens`.
pub(super) fn compile(documents: Vec<IssuerDocument>) -> Result<Vec<Issuer>, (String, String)> {
    let mut issuers: Vec<Issuer> = Vec::with_capacity(documents.len());
    for (index, document) in documents.into_iter().enumerate() {
        let place = |field: &str| format!("issuers/{index}/{field}");
        if issuers.iter().any(|other| other.issuer == document.issuer) {
            return Err((
                place("issuer"),
                "this issuer is there twice: its tokens could be read in two ways".to_owned(),
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
    /// What the document's schema cannot say in words that help.
    fn compile(document: IssuerDocument) -> Result<Self, (&'static str, &'static str)> {
        let is_jwt = document.kind == IssuerKind::Jwt;
        if is_jwt && document.audience.is_empty() {
            return Err((
                "audience",
                "what stands in `aud` of the tokens for this guard is missing: without it every token of the issuer would do, whatever it is for",
            ));
        }
        if !is_jwt && document.algorithms.is_some() {
            return Err((
                "algorithms",
                "an issuer that is asked by introspection needs none: its tokens are not verified by a signature",
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
