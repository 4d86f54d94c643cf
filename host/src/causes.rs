//! An error and its causes in one line, each said once.

use std::error::Error;

/// The error's text, followed by each cause that the text so far does not contain.
pub(crate) fn with_causes(error: &(dyn Error + 'static)) -> String {
    let mut said = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let words = cause.to_string();
        if !said.contains(&words) {
            said.push_str(": ");
            said.push_str(&words);
        }
        next = cause.source();
    }
    said
}

#[cfg(test)]
mod tests {
    use std::io;

    use anyhow::Context as _;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    enum Shown {
        #[error("x.db cannot be opened: {0}")]
        WithCause(#[source] io::Error),
        #[error("x.db cannot be opened")]
        Alone(#[source] io::Error),
    }

    #[test]
    fn a_cause_is_said_once() {
        let denied = || io::Error::from(io::ErrorKind::PermissionDenied);
        let told = "x.db cannot be opened: permission denied";
        assert_eq!(with_causes(&Shown::WithCause(denied())), told);
        assert_eq!(with_causes(&Shown::Alone(denied())), told);
        let error = Err::<(), _>(Shown::WithCause(denied())).context("in the store");
        assert_eq!(
            with_causes(error.unwrap_err().as_ref()),
            format!("in the store: {told}")
        );
    }
}
