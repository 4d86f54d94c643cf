//! What a gateway that runs the policy itself and the facts service say to each other: JSON over HTTP.
//!
//! A gateway has no store. What the policy needs it asks for with [`FACTS`], and what the policy wants
//! recorded it hands over with [`RECORDS`]; leases on what a request names, the backend's word on what
//! the record has not seen, signatures of tokens and the limits of accounts are the service's.
//!
//! One request of a client is one [`Pass`] after another, as `wit/policy.wit` tells. A [`FactsRequest`] without
//! a pass begins one; its leases are held until a [`RecordsRequest`] with `end`, or until the service's time for a
//! pass is over, from when on it answers 503.

use scimguard_core::facts::{Fact, Key};
use scimguard_core::record::Record;
use serde::{Deserialize, Serialize};

/// Takes a [`FactsRequest`]; answers 200 with [`FactsResponse`], or an error status with a [`Refused`].
pub const FACTS: &str = "/v1/facts";

/// Takes a [`RecordsRequest`]; answers 204 once everything is on disk, or an error status with a [`Refused`].
pub const RECORDS: &str = "/v1/records";

/// Names what the service keeps for one request of a client: leases, keys, answers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pass(pub String);

/// What the service must know of a client's request.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// As on the request line.
    pub method: String,
    /// Path and query, as received.
    pub path: String,
    /// The headers that carry credentials, as received: only they are needed, to ask the backend in the
    /// client's name and to slow down whoever guesses. Names are lower case.
    pub credentials: Vec<(String, String)>,
    /// The address that the request came from, as the gateway sees it.
    pub source: Option<String>,
}

/// Where in a request's way facts are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Before the backend is asked: leases are taken on what the keys name.
    Decide,
    /// After it was: the leases held are kept.
    Observe,
}

/// Asks for facts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactsRequest {
    /// The pass that this goes on with.
    pub pass: Option<Pass>,
    /// The client's request.
    pub head: Head,
    /// Where in its way it is.
    pub stage: Stage,
    /// Facts belong to one pass of the policy: with the first question of another one, those before are
    /// forgotten.
    pub first: bool,
    /// What the policy asks for. What it asked for before in this pass is answered again.
    pub keys: Vec<Key>,
}

/// All facts of a pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactsResponse {
    /// To go on with.
    pub pass: Pass,
    /// Milliseconds since 1970 by the service's clock: tokens expire at every gateway alike.
    pub now: u64,
    /// Every key of the pass with its answer, of one state of the record.
    pub facts: Vec<Fact>,
}

/// What was decided, for limits and for the record of when tokens were used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionReport {
    /// The account that the request is for.
    pub account: Option<String>,
    /// The id of its token, if that is good.
    pub verified_token: Option<String>,
    /// The rule that refused.
    pub rule: Option<String>,
    /// The status of the refusal.
    pub status: Option<u16>,
}

/// Says what was decided, and what is to be recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordsRequest {
    /// The pass, if facts were asked for.
    pub pass: Option<Pass>,
    /// The client's request.
    pub head: Head,
    /// What was decided; once a request.
    pub verdict: Option<DecisionReport>,
    /// In order, in one transaction.
    pub records: Vec<Record>,
    /// Nothing more comes of this pass: its leases end once the records are on disk.
    pub end: bool,
}

/// Why the service does not do what it was asked: the client's request is refused with this.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// `facts.unavailable` or `rate.limited`.
    pub rule: String,
    /// For whoever sent the request.
    pub detail: String,
    /// Seconds.
    pub retry_after: Option<u64>,
}

// === impl Head ===

impl std::fmt::Debug for Head {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Credentials are secrets, and a query may hold some.
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
