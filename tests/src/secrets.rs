//! The secrets that a test used, and the search for them in everything that a guard wrote or said.

use std::fmt::Display;

use anyhow::ensure;

/// The password that Okta sends with each new user.
pub const PASSWORD: &str = "1mz050nq";

/// Secrets that must be nowhere but where they were given.
#[derive(Clone, Debug, Default)]
pub struct Secrets(Vec<String>);

impl Secrets {
    /// From now on this is a secret: of a token, the part after the last dot.
    pub fn keep(&mut self, text: &str) {
        let secret = text.trim().rsplit('.').next().unwrap_or_default();
        // A test that tries a token without one has nothing to hide.
        if secret.len() >= 4 {
            self.0.push(secret.to_owned());
        }
    }

    /// Passes if none of them is in there.
    pub fn are_not_in(&self, place: impl Display, bytes: &[u8]) -> anyhow::Result<()> {
        for secret in &self.0 {
            let first = secret.as_bytes()[0];
            let found = bytes
                .iter()
                .enumerate()
                .any(|(at, byte)| *byte == first && bytes[at..].starts_with(secret.as_bytes()));
            ensure!(
                !found,
                "{place} has a secret of {} characters",
                secret.len()
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_part_of_a_token_is_found_wherever_it_is() -> anyhow::Result<()> {
        let mut secrets = Secrets::default();
        secrets.keep("sat.ACC1.t1.s3cret\n");
        secrets.are_not_in("a log", b"the token t1 of ACC1 was used, s3cre")?;
        let found = secrets.are_not_in("a log", b"Bearer s3cret");
        let told = found
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default();
        ensure!(told == "a log has a secret of 6 characters", "{told}");
        Ok(())
    }
}
