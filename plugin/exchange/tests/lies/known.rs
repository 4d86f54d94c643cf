//! Facts about tokens.

use scimguard_core::facts::{Answer, Fact, Key, Principal, Token, TokenText, VerifiedKey};
use scimguard_core::sha256_hex;

/// A good token of ACC1.
pub(super) fn own() -> Token {
    Token {
        id: Some("own".to_owned()),
        account: "ACC1".to_owned(),
        provider: None,
        expires: None,
        revoked: false,
        principal: Some(Principal {
            account: "ACC1".to_owned(),
            id: "svc".to_owned(),
            active: true,
            permissions: Vec::new(),
        }),
    }
}

/// A good token of ACC2.
pub(super) fn other() -> Token {
    let mut token = own();
    token.id = Some("other".to_owned());
    token.account = "ACC2".to_owned();
    if let Some(owner) = &mut token.principal {
        owner.account = "ACC2".to_owned();
    }
    token
}

pub(super) fn stored(text: &str, token: Token) -> Fact {
    Fact {
        key: Key::Token(sha256_hex(text.as_bytes())),
        answer: Answer::Token(token),
    }
}

pub(super) fn verified_key(account: &str, text: &str) -> Key {
    Key::Verified(VerifiedKey {
        account: account.to_owned(),
        issuer: "https://id.example.com".to_owned(),
        token: TokenText::new(text),
    })
}

/// What an issuer vouches for.
pub(super) fn vouched(account: &str, text: &str, claims: &str) -> Fact {
    Fact {
        key: verified_key(account, text),
        answer: Answer::Claims(claims.to_owned()),
    }
}
