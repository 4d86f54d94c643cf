//! The messages between a gateway that runs the policy itself and the facts service: JSON over HTTP.
//!
//! A gateway has no store. It asks for the policy's facts with [`FACTS`], sends the policy's records with
//! [`RECORDS`], and reports the ends of reads with [`REPORTS`], many at once. The service handles leases on what a request names, questions to the backend about resources
//! that are not on record, token signatures and account limits.
//!
//! A client's request is a sequence of passes, as `wit/policy.wit` describes. A [`FactsRequest`] without a
//! [`Pass`] begins one. The service holds its leases until a [`RecordsRequest`] with `end`, or until the pass
//! times out; from then on it answers 503.

use scimguard_core::facts::{Fact, Key};
use scimguard_core::record::Record;
use serde::{Deserialize, Serialize};

/// Takes a [`FactsRequest`]; answers 200 with [`FactsResponse`], or an error status with a [`Refused`].
pub const FACTS: &str = "/v1/facts";

/// Takes a [`RecordsRequest`]; answers 204 once everything is on disk, or an error status with a [`Refused`].
pub const RECORDS: &str = "/v1/records";

/// Takes a list of [`RecordsRequest`], each the last of a pass and without records, and answers 204 before
/// they are carried out: nothing waits for them.
pub const REPORTS: &str = "/v1/reports";

/// Whether this method changes nothing (RFC 9110 §9.2.1), so that its pass needs no leases.
#[must_use]
pub fn is_read(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "OPTIONS")
}

/// Identifies the state that the service keeps for one request: leases, keys and answers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pass(pub String);

/// The parts of a client's request that the service needs.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The method of the request line.
    pub method: String,
    /// Path and query, as received.
    pub path: String,
    /// The headers with credentials, as received, names in lower case. The service needs them to ask the
    /// backend on the client's behalf and to slow down guessing.
    pub credentials: Vec<(String, String)>,
    /// The request's source address as seen by the gateway.
    pub source: Option<String>,
}

/// The stage of an exchange at which facts are needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Before the backend is asked: the service takes leases on what the keys name.
    Decide,
    /// After the backend has answered: the service keeps the leases it holds.
    Observe,
}

/// Asks for facts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactsRequest {
    /// The pass that this continues.
    pub pass: Option<Pass>,
    /// The client's request.
    pub head: Head,
    /// The stage of the exchange.
    pub stage: Stage,
    /// Whether this is the first question of a pass of the policy. Facts belong to one pass, so earlier ones
    /// are forgotten then.
    pub first: bool,
    /// The new keys. The answer also repeats the keys asked for earlier in this pass.
    pub keys: Vec<Key>,
}

/// All facts of a pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactsResponse {
    /// The pass to continue with.
    pub pass: Pass,
    /// Milliseconds since 1970 by the service's clock, so that tokens expire at all gateways alike.
    pub now: u64,
    /// Every key of the pass with its answer, from one state of the record.
    pub facts: Vec<Fact>,
    /// Whether the account may have creates with an unknown outcome. If not, what a read of the identity
    /// provider shows settles none, and need not be stored.
    #[serde(default = "may_have_creates")]
    pub unsettled: bool,
}

/// What a service means that does not say it.
fn may_have_creates() -> bool {
    true
}

/// A decision, reported for limits and for the record of when tokens were used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionReport {
    /// The account that the request is for.
    pub account: Option<String>,
    /// The id of its token, if valid.
    pub verified_token: Option<String>,
    /// The rule that refused.
    pub rule: Option<String>,
    /// The status of the refusal.
    pub status: Option<u16>,
}

/// Reports a decision, and asks for records to be stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordsRequest {
    /// The pass, if facts were asked for.
    pub pass: Option<Pass>,
    /// The client's request.
    pub head: Head,
    /// The decision, reported once per request.
    pub verdict: Option<DecisionReport>,
    /// The records, to be stored in order in one transaction.
    pub records: Vec<Record>,
    /// Whether the pass ends: its leases are released once the records are on disk.
    pub end: bool,
}

/// Why the service refuses; the client's request is refused with this.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// `facts.unavailable` or `rate.limited`.
    pub rule: String,
    /// The explanation for the client.
    pub detail: String,
    /// Seconds.
    pub retry_after: Option<u64>,
}

// === impl Head ===

impl std::fmt::Debug for Head {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Credentials are secret, and a query may contain some.
        f.debug_struct("Head")
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use scimguard_core::facts::{
        Answer, Difference, Holder, Member, MembersKey, Membership, ResourceKind, TokenText,
        Unseen, User, UserKey, VerifiedKey,
    };

    use super::*;

    fn there_and_back<T>(message: &T)
    where
        T: Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug,
    {
        let text = serde_json::to_string(message).unwrap();
        let read: T = serde_json::from_str(&text).unwrap();
        assert_eq!(*message, read, "{text}");
    }

    #[test]
    fn keys_and_answers_arrive_as_they_were_sent() {
        let user = User {
            account: "ACC1".to_owned(),
            id: Some("u1".to_owned()),
            user_name: "ann@example.com".to_owned(),
            in_managed_group: true,
            ..User::default()
        };
        let member = Member {
            reference: "u1".to_owned(),
            state: Some(Membership::Unconfirmed),
            user: Some(user.clone()),
        };
        let members = MembersKey {
            account: "ACC1".to_owned(),
            scope: String::new(),
            group: "g".to_owned(),
            users: vec!["u1".to_owned()],
            names: true,
        };
        let asked = UserKey {
            account: "ACC1".to_owned(),
            value: "u1".to_owned(),
            unseen: Unseen::Backend,
        };
        let vouched = VerifiedKey {
            account: "ACC1".to_owned(),
            issuer: "https://id.example.com".to_owned(),
            token: TokenText::new("e30.e30.c2ln"),
        };
        let facts = [
            (Key::Token("00".to_owned()), Answer::Unavailable),
            (Key::Verified(vouched), Answer::Claims("{}".to_owned())),
            (Key::User(asked.clone()), Answer::User(user)),
            (
                Key::UserAlike(asked),
                Answer::Holders(vec![Holder {
                    kind: ResourceKind::User,
                    id: None,
                    name: Some("ann".to_owned()),
                }]),
            ),
            (
                Key::Members(members.clone()),
                Answer::Members(vec![member.clone()]),
            ),
            (
                Key::MembersDifference(members),
                Answer::Difference(Difference {
                    added: vec![member],
                    removed: Vec::new(),
                    complete: true,
                }),
            ),
        ];
        there_and_back(&FactsResponse {
            unsettled: true,
            pass: Pass("p".to_owned()),
            now: 1_780_272_000_000,
            facts: facts
                .into_iter()
                .map(|(key, answer)| Fact { key, answer })
                .collect(),
        });
    }

    #[test]
    fn the_examples_of_the_documentation_are_messages() {
        let text = include_str!("../../../docs/facts.md");
        let examples: Vec<&str> = text
            .split("```json\n")
            .skip(1)
            .filter_map(|rest| rest.split("```").next())
            .collect();
        let [ask, facts, tell, refused] = examples[..] else {
            panic!("{} examples", examples.len());
        };
        let ask: FactsRequest = serde_json::from_str(ask).unwrap();
        let facts: FactsResponse = serde_json::from_str(facts).unwrap();
        assert_eq!(ask.keys[0], facts.facts[0].key);
        let tell: RecordsRequest = serde_json::from_str(tell).unwrap();
        assert_eq!(tell.pass, Some(facts.pass));
        assert!(
            matches!(&tell.records[..], [Record::Member(member)] if member.state == Some(Membership::Adding))
        );
        let _: Refused = serde_json::from_str(refused).unwrap();
    }

    #[test]
    fn memberships_arrive_as_they_were_sent() {
        let by = Some("tok1".to_owned());
        for (state, by) in [
            (None, None),
            (Some(Membership::Confirmed), None),
            (Some(Membership::Unconfirmed), None),
            (Some(Membership::Adding), by.clone()),
            (Some(Membership::Removing), None),
            (Some(Membership::Removing), by),
        ] {
            there_and_back(&scimguard_core::record::MemberRecord {
                account: "ACC1".to_owned(),
                scope: String::new(),
                group: "web_team".to_owned(),
                user: "u1".to_owned(),
                state,
                by,
            });
        }
    }

    #[test]
    fn what_is_shown_of_a_head_holds_no_credential() {
        let head = Head {
            method: "GET".to_owned(),
            path: "/Users?token=s3cret".to_owned(),
            credentials: vec![("authorization".to_owned(), "Bearer s3cret".to_owned())],
            source: None,
        };
        assert!(!format!("{head:?}").contains("s3cret"));
        there_and_back(&head);
    }
}
