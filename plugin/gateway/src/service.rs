//! What does an answer of the facts service say?

use scimguard_wire as wire;

use crate::Refused;

/// Why the service did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unserved {
    /// It refuses the client's request.
    Refused(Refused),
    /// It gave no answer that can be understood.
    Silent,
}

/// The facts in an answer to an [`wire::Ask`].
///
/// # Errors
/// There are none.
pub fn facts(status: u16, body: &[u8]) -> Result<wire::Facts, Unserved> {
    if status != 200 {
        return Err(refused(body));
    }
    serde_json::from_slice(body).map_err(|_| Unserved::Silent)
}

/// Whether a [`wire::Tell`] is on disk.
///
/// # Errors
/// It is not, or nobody knows.
pub fn told(status: u16, body: &[u8]) -> Result<(), Unserved> {
    match status {
        204 => Ok(()),
        _ => Err(refused(body)),
    }
}

/// The service's words, where it has any for the client. Of its rules only those are believed that
/// it may refuse by.
fn refused(body: &[u8]) -> Unserved {
    match serde_json::from_slice::<wire::Refused>(body) {
        Ok(refused) => Unserved::Refused(Refused {
            rule: match refused.rule.as_str() {
                "rate.limited" => "rate.limited",
                _ => "facts.unavailable",
            },
            detail: refused.detail,
            retry_after: refused.retry_after,
        }),
        Err(_) => Unserved::Silent,
    }
}

impl From<Unserved> for Refused {
    fn from(unserved: Unserved) -> Self {
        match unserved {
            Unserved::Refused(refused) => refused,
            Unserved::Silent => Self::no_record(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_service_may_say_is_believed() {
        let refused = |rule: &str| {
            let body = format!(r#"{{"rule":"{rule}","detail":"d","retry_after":3}}"#);
            match told(503, body.as_bytes()) {
                Err(Unserved::Refused(refused)) => (refused.rule, refused.retry_after),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(refused("rate.limited"), ("rate.limited", Some(3)));
        assert_eq!(refused("route.unknown"), ("facts.unavailable", Some(3)));
        assert_eq!(told(204, b""), Ok(()));
        assert_eq!(told(200, b""), Err(Unserved::Silent));
        assert_eq!(facts(200, b"{}"), Err(Unserved::Silent));
        let answer = facts(200, br#"{"pass":"p","now":5,"facts":[]}"#).unwrap();
        assert_eq!((answer.pass.0.as_str(), answer.now), ("p", 5));
        assert_eq!(facts(204, b""), Err(Unserved::Silent));
    }
}
