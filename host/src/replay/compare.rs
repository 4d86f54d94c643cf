//! One recorded decision, repeated under the policy that decided and under another one.

use std::collections::BTreeSet;

use scimguard_core::facts::{Answer, Fact, Key, Table, Unseen};
use scimguard_core::history::RequestDocument;
use scimguard_core::{Body, Forward, Guard, HIDDEN, Request, Verdict};
use serde::Deserialize;
use serde_json::Value;

use crate::audit::{self, Recorded};

/// What came of repeating a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Compared {
    /// Both policies decide alike.
    Same,
    /// They differ.
    Different(Difference),
    /// It cannot be repeated.
    NotReplayed(Why),
}

/// How the new policy differs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Difference {
    pub(super) kind: Kind,
    /// The rule that denies, denied or is reported; empty where none is.
    pub(super) rule: String,
}

/// The kinds of difference, the most drastic first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    /// It was forwarded, and would be denied.
    Denied,
    /// It was denied, and would be forwarded.
    Allowed,
    /// It was denied, and would be by another rule.
    OtherRule,
    /// It would be forwarded with another method, path, headers or body.
    Written,
    /// It would be forwarded, and reported because of a rule (`mode: monitor`).
    Reported,
    /// It would no longer be reported.
    NotReported,
}

/// Why a decision cannot be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Why {
    /// Nothing of the request is recorded.
    NotRecorded,
    /// It is a request of the management API.
    Management,
    /// A policy needs the body, which is not recorded.
    Body,
    /// A password or another secret in the request is not recorded.
    Hidden,
    /// The facts are recorded only in part.
    Facts,
    /// The new policy asks for other facts.
    OtherFacts,
    /// It is judged in several steps.
    Steps,
    /// The policy that decided is not valid any more.
    Policy,
    /// The recorded decision is not that of its policy.
    NotRepeated,
}

/// The recorded explanation, as far as it is needed here.
#[derive(Deserialize)]
struct Detail {
    now: Option<u64>,
    facts: Option<Value>,
    #[serde(default)]
    facts_complete: bool,
    request: Option<RequestDocument>,
    omitted: Option<String>,
}

/// A decision, and the facts that it asked for.
pub(super) struct Decided {
    pub(super) verdict: Verdict,
    pub(super) facts: Vec<Fact>,
}

/// The most rounds of questions; no policy asks more often about one request.
const ROUNDS: usize = 32;

impl Decided {
    /// The questions. What an unseen resource means is a part of them only where there was none.
    fn asked(&self) -> BTreeSet<Key> {
        let asked = self.facts.iter().map(|Fact { key, answer }| {
            let mut key = key.clone();
            if *answer != Answer::Absent {
                match &mut key {
                    Key::User(key) | Key::UserByName(key) => key.unseen = Unseen::Absent,
                    Key::Group(key) => key.unseen = Unseen::Absent,
                    _ => {}
                }
            }
            key
        });
        asked.collect()
    }
}

impl Kind {
    /// Its heading.
    pub(super) fn heading(self) -> &'static str {
        match self {
            Self::Denied => "Newly denied",
            Self::Allowed => "Newly allowed",
            Self::OtherRule => "Denied by another rule",
            Self::Written => "Forwarded with other content",
            Self::Reported => "Newly reported (mode: monitor)",
            Self::NotReported => "No longer reported (mode: monitor)",
        }
    }
}

impl Why {
    /// The reason in words.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::NotRecorded => {
                "nothing of the request is recorded: refused early, decided at a gateway, or damaged"
            }
            Self::Management => {
                "of the management API, whose requests are recorded without values and bodies"
            }
            Self::Body => "the body is not recorded: it was too large, unreadable or not read",
            Self::Hidden => "a password or another secret in the request is not recorded",
            Self::Facts => "the facts are recorded only in part",
            Self::OtherFacts => "the new policy asks for facts that are not recorded",
            Self::Steps => "judged in several steps, as Bulk requests are",
            Self::Policy => "the policy that decided is missing, or not valid for this version",
            Self::NotRepeated => {
                "not repeated by its own policy: the guard refused, the application's answer counted, or another \
                 version decided"
            }
        }
    }
}

/// Repeats a decision. `old`: the policy that decided, if it is still valid.
pub(super) fn compare(recorded: &Recorded, old: Option<&Guard>, new: &Guard) -> Compared {
    match difference(recorded, old, new) {
        Ok(None) => Compared::Same,
        Ok(Some(difference)) => Compared::Different(difference),
        Err(why) => Compared::NotReplayed(why),
    }
}

fn difference(
    recorded: &Recorded,
    old: Option<&Guard>,
    new: &Guard,
) -> Result<Option<Difference>, Why> {
    let detail: Value = serde_json::from_str(&recorded.detail).map_err(|_| Why::NotRecorded)?;
    if detail["omitted"] == "management" {
        return Err(Why::Management);
    }
    let detail: Detail = serde_json::from_value(detail).map_err(|_| Why::NotRecorded)?;
    let (Some(request), Some(facts), Some(now)) = (detail.request, detail.facts, detail.now) else {
        return Err(Why::NotRecorded);
    };
    if !detail.facts_complete {
        return Err(Why::Facts);
    }
    let table = Table::from_json(&facts).map_err(|_| Why::Facts)?;
    let mut request = request.into_request().map_err(|_| Why::NotRecorded)?;
    if detail.omitted.is_some() {
        request.body = Body::Unread;
    }
    let has_secret = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains(HIDDEN);
    match &request.body {
        Body::Bytes(body) if has_secret(body) => return Err(Why::Hidden),
        // The body is recorded without the space between its parts, which counts for limits.
        Body::Bytes(_) if length(&request) > new.settings().body_limit => return Err(Why::Body),
        _ if has_secret(request.path.as_bytes()) => return Err(Why::Hidden),
        _ => {}
    }
    let old = decide(old.ok_or(Why::Policy)?, &request, &table, now)?;
    if !is_as_recorded(&old.verdict, recorded) {
        return Err(Why::NotRepeated);
    }
    let new = decide(new, &request, &table, now)?;
    let difference = of(&old.verdict, &new.verdict)?;
    // Facts that were not asked for then are not in the log, whatever the new policy makes of that.
    match new.asked().is_subset(&old.asked()) {
        true => Ok(difference),
        false => Err(Why::OtherFacts),
    }
}

/// The length of the body as the client said it; 0 if it did not.
fn length(request: &Request) -> u64 {
    let mut headers = request.headers.iter();
    let length = headers.find(|(name, _)| name == "content-length");
    let text = length.and_then(|(_, value)| std::str::from_utf8(value).ok());
    text.and_then(|text| text.parse().ok()).unwrap_or_default()
}

/// Decides by the facts of a table.
pub(super) fn decide(
    guard: &Guard,
    request: &Request,
    table: &Table,
    now: u64,
) -> Result<Decided, Why> {
    let mut facts: Vec<Fact> = Vec::new();
    for _ in 0..ROUNDS {
        let need = match guard.evaluate(request, &facts, now) {
            Verdict::Need(need) => need,
            verdict => return Ok(Decided { verdict, facts }),
        };
        if need.body_limit.is_some() {
            return Err(Why::Body);
        }
        let answers = table.answer_all(&need.keys);
        let found = need.keys.into_iter().zip(answers);
        facts.extend(found.map(|(key, answer)| Fact { key, answer }));
    }
    Err(Why::NotRepeated)
}

fn is_as_recorded(verdict: &Verdict, recorded: &Recorded) -> bool {
    match verdict {
        Verdict::Reject(reject) => {
            recorded.verdict == audit::Verdict::Reject && recorded.rule == reject.rule
        }
        _ => recorded.verdict != audit::Verdict::Reject,
    }
}

fn of(old: &Verdict, new: &Verdict) -> Result<Option<Difference>, Why> {
    let different = |kind, rule: &str| {
        let rule = rule.to_owned();
        Ok(Some(Difference { kind, rule }))
    };
    match (old, new) {
        (Verdict::Forward(old), Verdict::Forward(new)) => {
            let reports = (old.rule.as_deref(), new.rule.as_deref());
            match reports {
                _ if content(old) != content(new) => different(Kind::Written, ""),
                (old, Some(rule)) if old != Some(rule) => different(Kind::Reported, rule),
                (Some(rule), None) => different(Kind::NotReported, rule),
                _ => Ok(None),
            }
        }
        (Verdict::Forward(_), Verdict::Reject(reject)) => different(Kind::Denied, &reject.rule),
        (Verdict::Reject(reject), Verdict::Forward(_)) => different(Kind::Allowed, &reject.rule),
        (Verdict::Reject(old), Verdict::Reject(new)) if old.rule == new.rule => Ok(None),
        (Verdict::Reject(_), Verdict::Reject(new)) => different(Kind::OtherRule, &new.rule),
        _ => Err(Why::Steps),
    }
}

/// What the application gets.
fn content(forward: &Forward) -> impl PartialEq + use<'_> {
    let Forward {
        method,
        path,
        headers,
        body,
        ..
    } = forward;
    (method, path, headers, body)
}
