//! The questions, and what may be answered.

use std::io::IsTerminal as _;

use anyhow::{Context as _, anyhow, bail};
use dialoguer::Input;
use http::Uri;

use crate::cli::settings::check_account;
use crate::config::{self, PublicUrl};

/// What stands for the account in a path.
pub(super) const ACCOUNT: &str = "{account}";

/// The answers that are given as options.
#[derive(clap::Args)]
pub(super) struct Given {
    /// The application: `https://HOST` or `http://HOST:PORT`
    #[arg(long, value_name = "URL")]
    backend: Option<String>,
    /// The path of its SCIM endpoints, with `{account}` if it serves several accounts
    #[arg(long, value_name = "PATH")]
    scim_path: Option<String>,
    /// The identity provider: `okta`, `entra` or another name
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// The account's id in the application; with one account only, any name
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    /// The guard's address as the identity provider reaches it
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
}

/// All answers.
pub(super) struct Answers {
    pub(super) backend: Uri,
    pub(super) scim_path: String,
    pub(super) provider: String,
    pub(super) account: String,
    pub(super) public_url: PublicUrl,
}

/// One question.
struct Question {
    option: &'static str,
    text: &'static str,
    /// Taken if the answer is empty.
    usual: Option<&'static str>,
}

const BACKEND: Question = Question {
    option: "--backend",
    text: "The application's address",
    usual: None,
};

const SCIM_PATH: Question = Question {
    option: "--scim-path",
    text: "The path of its SCIM endpoints, with {account} if it serves several accounts",
    usual: Some("/scim/v2"),
};

const PROVIDER: Question = Question {
    option: "--provider",
    text: "The identity provider: okta, entra or another name",
    usual: Some("okta"),
};

const ACCOUNT_ID: Question = Question {
    option: "--account",
    text: "The account's id in the application; with one account only, any name",
    usual: Some("main"),
};

const PUBLIC_URL: Question = Question {
    option: "--public-url",
    text: "The guard's address as the identity provider reaches it",
    usual: Some("http://127.0.0.1:8080"),
};

impl Given {
    /// Asks for what is not given, on a terminal.
    ///
    /// # Errors
    /// If an option cannot be used, or is missing without a terminal.
    pub(super) fn complete(self) -> anyhow::Result<Answers> {
        Ok(Answers {
            backend: BACKEND.answer(self.backend, config::backend)?,
            scim_path: SCIM_PATH.answer(self.scim_path, scim_path)?,
            provider: PROVIDER.answer(self.provider, name)?,
            account: ACCOUNT_ID.answer(self.account, account)?,
            public_url: PUBLIC_URL.answer(self.public_url, config::public_url)?,
        })
    }
}

impl Question {
    fn answer<T>(
        &self,
        given: Option<String>,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> anyhow::Result<T> {
        let text = match given {
            Some(text) => text,
            None => self.ask(&read)?,
        };
        read(&text).map_err(|why| anyhow!("{}: {why}", self.option))
    }

    /// Asks until the answer can be read.
    fn ask<T>(&self, read: impl Fn(&str) -> Result<T, String>) -> anyhow::Result<String> {
        if !std::io::stdin().is_terminal() {
            bail!(
                "{} is missing, and there is no terminal to ask",
                self.option
            );
        }
        let mut input = Input::<String>::new().with_prompt(self.text);
        if let Some(usual) = self.usual {
            input = input.default(usual.to_owned());
        }
        let input = input.validate_with(|text: &String| read(text).map(drop));
        input.interact_text().context("no answer")
    }
}

fn scim_path(text: &str) -> Result<String, String> {
    let path = text.trim_end_matches('/');
    let is_plain = path.starts_with('/') && !path.contains(['?', '#', ' ']);
    match is_plain && path.matches(ACCOUNT).count() <= 1 {
        true => Ok(path.to_owned()),
        false => Err(format!(
            "{text:?} is not a path such as /scim/v2 or /accounts/{ACCOUNT}/scim"
        )),
    }
}

fn name(text: &str) -> Result<String, String> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    match !text.is_empty() && text.len() <= 32 && text.bytes().all(plain) {
        true => Ok(text.to_owned()),
        false => Err(format!(
            "{text:?} is not a name of up to 32 lower-case letters, digits and `-`"
        )),
    }
}

fn account(text: &str) -> Result<String, String> {
    check_account(text).map(|()| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_names_and_accounts_are_read_as_they_are_used() {
        assert_eq!(scim_path("/scim/v2/").as_deref(), Ok("/scim/v2"));
        assert_eq!(
            scim_path("/a/{account}/scim").as_deref(),
            Ok("/a/{account}/scim")
        );
        for wrong in ["", "scim", "/scim?x", "/a b", "/{account}/{account}"] {
            assert!(scim_path(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "Okta", "o k", "ö"] {
            assert!(name(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", ".", "a/b", "a b"] {
            assert!(account(wrong).is_err(), "{wrong}");
        }
    }
}
