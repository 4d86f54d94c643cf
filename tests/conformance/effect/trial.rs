//! One PATCH at one implementation: as the client sent it, and as the guard carries it out.

use std::fmt;

use scimguard_core::Forward;
use serde_json::{Value, json};

use super::meaning;
use super::patch::Case;
use crate::judge::{self, Judge};
use crate::peer::{Peer, Refusal};

/// What an implementation makes of a PATCH.
pub(crate) struct Trial {
    peer: &'static str,
    original: Result<Value, Refusal>,
    canonical: Result<Value, Refusal>,
    /// The guard read the resource, and added what was not there.
    pub(crate) creates: bool,
}

/// What a trial shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    /// The same resource.
    Same,
    /// Another resource.
    Another,
    /// The canonical PATCH is refused, the original is not.
    Lost,
    /// The original is refused, the canonical PATCH is not.
    Mended,
    /// Both are refused, the canonical one because it names nothing that is there.
    NoTarget,
    /// Both are refused.
    Refused,
}

// === impl Trial ===

impl Trial {
    pub(crate) fn of(judge: &Judge, peer: &mut Peer, case: &Case, forward: &Forward) -> Self {
        let original = peer.apply_sent(&case.resource, &case.patch);
        let (canonical, has_read) = carried_out(judge, peer, &case.resource, forward);
        Self {
            peer: peer.name,
            original: original.map(|resource| meaning::of(&resource)),
            creates: has_read && canonical.is_ok(),
            canonical: canonical.map(|resource| meaning::of(&resource)),
        }
    }

    /// The guard changed the effect, or what was taken is refused.
    pub(crate) fn is_wrong(&self) -> bool {
        matches!(self.finding(), Finding::Another | Finding::Lost)
    }

    pub(crate) fn finding(&self) -> Finding {
        match (&self.original, &self.canonical) {
            (Ok(original), Ok(canonical)) if original == canonical => Finding::Same,
            (Ok(_), Ok(_)) => Finding::Another,
            (Ok(_), Err(_)) => Finding::Lost,
            (Err(_), Ok(_)) => Finding::Mended,
            (Err(_), Err(refusal)) if refusal.scim_type.as_deref() == Some("noTarget") => {
                Finding::NoTarget
            }
            (Err(_), Err(_)) => Finding::Refused,
        }
    }
}

impl fmt::Debug for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = |outcome: &Result<Value, Refusal>| match outcome {
            Ok(resource) => resource.to_string(),
            Err(refusal) => format!("{:?}: {}", refusal.scim_type, refusal.detail),
        };
        writeln!(f, "{}: {:?}", self.peer, self.finding())?;
        writeln!(f, "  original gives {}", outcome(&self.original))?;
        write!(f, "  canonical gives {}", outcome(&self.canonical))
    }
}

/// The resource after the canonical PATCH and what the guard does if it is refused, and whether the
/// guard read the resource for that.
pub(super) fn carried_out(
    judge: &Judge,
    peer: &mut Peer,
    resource: &Value,
    forward: &Forward,
) -> (Result<Value, Refusal>, bool) {
    let mut kept = resource.clone();
    let mut refused = None;
    let mut has_read = false;
    let status = judge.carry_out(forward, |forward| {
        let Some(patch) = judge::body(forward) else {
            has_read = refused.is_some();
            return (200, kept.clone());
        };
        match peer.apply_forwarded(&kept, &patch) {
            Ok(patched) => {
                kept = patched;
                (200, kept.clone())
            }
            Err(refusal) => {
                let error = json!({
                    "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
                    "status": "400",
                    "scimType": refusal.scim_type,
                    "detail": refusal.detail,
                });
                refused = Some(refusal);
                (400, error)
            }
        }
    });
    match refused {
        Some(refusal) if status >= 400 => (Err(refusal), has_read),
        _ => (Ok(kept), has_read),
    }
}
