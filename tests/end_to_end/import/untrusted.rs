//! What an application may answer to an import, right and wrong.

use anyhow::{Context as _, ensure};
use scimguard_tests::fixtures::generic;
use serde_json::{Value, json};

use super::{a_user, fails, imported, native, tally, users};
use crate::listed::{Asked, Listed, list};

/// What an application answers, and what comes of it: a tally, or a complaint.
struct Untrusted {
    name: &'static str,
    answer: fn(&Asked) -> (u16, Value),
    outcome: Result<[u64; 5], &'static str>,
}

const UNTRUSTED: [Untrusted; 19] = [
    Untrusted {
        name: "no id",
        answer: |asked| asked.page(&[json!({"userName": "ann"})]),
        outcome: Err("Users number 1: it has no id"),
    },
    Untrusted {
        name: "no userName",
        answer: |asked| asked.page(&[a_user(0), json!({"id": "u1"})]),
        outcome: Err("Users number 2 (u1): it has no userName"),
    },
    Untrusted {
        name: "control characters in an id",
        answer: |asked| asked.page(&[json!({"id": "u\u{1}ann", "userName": "ann"})]),
        outcome: Err("control characters"),
    },
    Untrusted {
        name: "control characters in a userName",
        answer: |asked| asked.page(&[json!({"id": "u1", "userName": "ann\u{7}"})]),
        outcome: Err("control characters"),
    },
    Untrusted {
        name: "users among the groups",
        answer: |asked| asked.page(&users(2)),
        outcome: Err("Groups number 1 (u0): it is a user"),
    },
    Untrusted {
        name: "no list",
        answer: |_| (200, json!({"hello": "world"})),
        outcome: Err(
            "/Users?startIndex=1&count=10: 200 OK, application/scim+json; expected a SCIM list",
        ),
    },
    Untrusted {
        name: "no JSON object",
        answer: |_| (200, json!("<html>")),
        outcome: Err(
            "/Users?startIndex=1&count=10: 200 OK, application/scim+json; expected a SCIM list",
        ),
    },
    Untrusted {
        name: "more in all than it gives",
        answer: |asked| {
            let (_, page) = asked.page(&users(5));
            let resources = page["Resources"].as_array().cloned();
            (200, list(900, resources.unwrap_or_default()))
        },
        outcome: Err("reports 900 resources, but returns none from number 6 on"),
    },
    Untrusted {
        name: "fewer in all than it gives",
        answer: |asked| {
            let all = if asked.path == "/Users" {
                users(25)
            } else {
                Vec::new()
            };
            let (_, page) = asked.page(&all);
            let resources = page["Resources"].as_array().cloned().unwrap_or_default();
            (200, list(resources.len(), resources))
        },
        outcome: Ok([25, 0, 0, 0, 0]),
    },
    Untrusted {
        name: "an error behind the last page",
        answer: |asked| match (asked.path.as_str(), asked.number("startIndex")) {
            ("/Users", 1 | 11) => asked.page(&users(20)),
            ("/Groups", 1) => asked.page(&[]),
            _ => (404, Value::Null),
        },
        outcome: Ok([20, 0, 0, 0, 0]),
    },
    Untrusted {
        name: "the same page again and again",
        answer: |_| (200, list(900, users(10))),
        outcome: Err("does not honour startIndex"),
    },
    Untrusted {
        name: "the same page, which is all",
        answer: |asked| match asked.path.as_str() {
            "/Users" => (200, list(10, users(10))),
            _ => asked.page(&[]),
        },
        outcome: Ok([10, 0, 0, 0, 0]),
    },
    Untrusted {
        name: "more and more of the same",
        answer: |asked| (200, list(asked.number("startIndex") + 100, users(10))),
        outcome: Err("does not honour startIndex"),
    },
    Untrusted {
        name: "more and more of others",
        answer: |asked| {
            let start = asked.number("startIndex");
            let page = (start..start + 1000).map(a_user).collect();
            (200, list(start + 2000, page))
        },
        outcome: Err("totalResults is not reliable"),
    },
    Untrusted {
        name: "the same id twice",
        answer: |asked| match asked.path.as_str() {
            "/Users" => asked.page(&[a_user(1), a_user(2), a_user(1)]),
            _ => asked.page(&[]),
        },
        outcome: Ok([2, 1, 0, 0, 0]),
    },
    Untrusted {
        name: "members although they are not asked for, groups that are gone, and a group of another id",
        answer: |asked| match asked.path.as_str() {
            "/Users" => asked.page(&users(2)),
            "/Groups" => asked.page(&[
                json!({"id": "g1", "members": [{"value": "u0"}, {"value": "u1"}]}),
                json!({"id": "gone"}),
                json!({"id": "g3"}),
            ]),
            "/Groups/g3" => (200, json!({"id": "g4", "members": [{"value": "u0"}]})),
            _ => (404, Value::Null),
        },
        outcome: Err("Groups number 3 (g3): the application answered with a group of another id"),
    },
    Untrusted {
        name: "pages by cursor only, of seven, without a total",
        answer: |asked| by_cursor(asked, |start| (start + 7).to_string()),
        outcome: Ok([20, 0, 0, 0, 0]),
    },
    Untrusted {
        name: "the same cursor again",
        answer: |asked| by_cursor(asked, |_| "7".to_owned()),
        outcome: Err("gives the same nextCursor again"),
    },
    Untrusted {
        name: "ids that are numbers, and a total that is text",
        answer: |asked| match asked.path.as_str() {
            "/Users" => {
                let users = [1, 2].map(|id| json!({"id": id, "userName": format!("user{id}")}));
                let (status, mut list) = asked.page(&users);
                list["totalResults"] = json!("2");
                (status, list)
            }
            "/Groups" => asked.page(&[json!({"id": 7, "displayName": "seven"})]),
            _ => (
                200,
                json!({"id": 7, "members": [{"value": 1}, {"value": "2"}]}),
            ),
        },
        outcome: Ok([2, 0, 1, 0, 2]),
    },
];

#[tokio::test]
async fn the_application_is_not_trusted() -> anyhow::Result<()> {
    for Untrusted {
        name,
        answer,
        outcome,
    } in UNTRUSTED
    {
        let listed = Listed::by(answer).await?;
        let guard = native(&listed.url, &generic("/"))?;
        let arguments = ["--page", "10"];
        match outcome {
            Ok(expected) => {
                let outcome = imported(&guard, &arguments).await.context(name)?;
                ensure!(tally(&outcome) == expected, "{name}: {outcome}");
                ensure!(outcome["first_fill"] == true, "{name}: {outcome}");
            }
            Err(expected) => {
                let complaint = fails(&guard, &arguments).await.context(name)?;
                ensure!(complaint.contains(expected), "{name}: {complaint}");
            }
        }
    }
    Ok(())
}

/// Twenty users as an application shows them that has pages by cursor alone (RFC 9865).
fn by_cursor(asked: &Asked, next: impl Fn(usize) -> String) -> (u16, Value) {
    const MOST: usize = 7;
    let cursor = asked.query.get("cursor");
    match (asked.path.as_str(), cursor) {
        ("/ServiceProviderConfig", _) => (
            200,
            json!({"pagination": {"cursor": true, "index": false, "maxPageSize": MOST}}),
        ),
        (_, None) => (400, json!({"detail": "startIndex is not supported"})),
        _ if asked.number("count") > MOST => (400, json!({"scimType": "invalidCount"})),
        ("/Users", Some(cursor)) => {
            let start = cursor.parse().unwrap_or(0);
            let page: Vec<Value> = (start..20).take(MOST).map(a_user).collect();
            let mut answer = list(0, page);
            answer["totalResults"].take();
            if start + MOST < 20 {
                answer["nextCursor"] = json!(next(start));
            }
            (200, answer)
        }
        _ => (200, json!({"totalResults": 0})),
    }
}
