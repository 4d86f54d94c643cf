//! Keys, tokens, and the facts about them.

use std::sync::Arc;

use scimguard_core::facts::{
    Answer, Fact, Key, Principal, Token, TokenText, Unseen, UserKey, VerifiedKey,
};
use scimguard_core::sha256_hex;
use scimguard_exchange::Found;

use super::ACCOUNT;

pub(crate) const NOW: u64 = 1_780_000_000_000;

/// A token of the account, and its id.
pub(crate) const OWN: &str = "sat.ACC1.own.secret-of-own";
pub(crate) const OWN_ID: &str = "own";

/// A token of ACC2.
pub(crate) const OTHERS: &str = "sat.ACC2.other.secret-of-other";

pub(crate) fn user_key(user: &str) -> Key {
    user_key_of(ACCOUNT, user)
}

pub(crate) fn user_key_of(account: &str, user: &str) -> Key {
    Key::User(UserKey {
        account: account.to_owned(),
        value: user.to_owned(),
        unseen: Unseen::Absent,
    })
}

/// The key of a token in the guard's own store.
pub(crate) fn token_key(text: &str) -> Key {
    Key::Token(sha256_hex(text.as_bytes()))
}

/// The key of a token that an issuer vouches for.
pub(crate) fn verified_key(account: &str, text: &str) -> Key {
    Key::Verified(VerifiedKey {
        account: account.to_owned(),
        issuer: "https://id.example.com".to_owned(),
        token: TokenText::new(text),
    })
}

/// What is stored of [`OWN`], which is good.
pub(crate) fn own() -> Token {
    Token {
        id: Some(OWN_ID.to_owned()),
        account: ACCOUNT.to_owned(),
        provider: None,
        expires: None,
        revoked: false,
        principal: Some(Principal {
            account: ACCOUNT.to_owned(),
            id: "svc".to_owned(),
            active: true,
            permissions: Vec::new(),
        }),
    }
}

/// What is stored of [`OTHERS`], which is good.
pub(crate) fn other() -> Token {
    let mut token = own();
    token.id = Some("other".to_owned());
    token.account = "ACC2".to_owned();
    if let Some(owner) = &mut token.principal {
        owner.account = "ACC2".to_owned();
    }
    token
}

pub(crate) fn stored(text: &str, token: Token) -> Fact {
    Fact {
        key: token_key(text),
        answer: Answer::Token(token),
    }
}

/// What an issuer vouches for.
pub(crate) fn vouched(account: &str, text: &str, claims: &str) -> Fact {
    Fact {
        key: verified_key(account, text),
        answer: Answer::Claims(claims.to_owned()),
    }
}

/// Facts that answer these keys: the token is good, and there is nobody.
pub(crate) fn found(keys: &[Key], now: u64) -> Found {
    let facts = keys.iter().map(|key| Fact {
        key: key.clone(),
        answer: match key {
            Key::Token(_) => Answer::Token(own()),
            _ => Answer::Absent,
        },
    });
    Found {
        now,
        facts: Arc::new(facts.collect()),
    }
}
