//! Where a request goes.

use super::*;

const TARGET: &str = "it changed the target of a request that is not SCIM";
const LEADS: &str = "its path could lead to SCIM past the SCIM base";

/// A request from one path to another, decided at once and as a later part.
fn sends(from: &str, to: &str) -> (Client, [Vec<Says>; 2]) {
    let client = Client::at(from);
    let forward = Forward {
        path: to.to_owned(),
        ..Claim::default().forward(&client.request)
    };
    let at_once = vec![Verdict::Forward(forward.clone()).into()];
    let later = vec![proceeds(), Outcome::Forward(forward).into()];
    (client, [at_once, later])
}

#[track_caller]
fn assert_refused(from: &str, to: &str, why: &str) {
    let (client, places) = sends(from, to);
    for says in places {
        assert_lie(&client, &says, why, (from, to));
    }
}

#[track_caller]
fn assert_sent(from: &str, to: &str) {
    let (client, places) = sends(from, to);
    for says in places {
        let end = assert_true(&client, &says, (from, to));
        assert_eq!(end.sent.len(), 1, "{to}");
        assert_eq!(end.sent[0].path, to);
    }
}

#[test]
fn no_request_leaves_its_account_or_base() {
    for path in [
        "/scim/ACC2/Users",
        "/scim/acc1/Users",
        "/scim/ACC1%20/Users",
        "/scim/ACC1/../ACC2/Users",
        "/scim/ACC1/%2e%2e/ACC2/Users",
        "/scim/ACC1/%252e%252e/ACC2/Users",
        "/scim/ACC1/%25252e%25252e%25252fACC2/Users",
        "/scim/ACC1/..%2fACC2%2fUsers",
        "/scim/ACC1/..%255cACC2",
        "/scim/ACC1/..;x=1/ACC2/Users",
        "/scim/ACC1/Users/%00",
        "/scim/%41CC2/Users",
        "/scim/ACC1%252F..%252FACC2/Users",
        "//scim/ACC1/Users",
        "/scim",
        "/manage/groups",
        "/",
    ] {
        assert_refused(USERS, path, "it");
    }
    for path in [
        USERS,
        "/scim/ACC1/Users/u%20one?x=%252e%252e",
        "/scim/%41CC1/Users",
    ] {
        assert_sent(USERS, path);
    }
}

#[test]
fn a_request_that_is_not_scim_goes_where_the_client_sent_it() {
    for path in [
        "/manage/groups?accountIdentifier=ACC2",
        "/manage/other",
        USERS,
    ] {
        assert_refused(MANAGED, path, TARGET);
    }
    assert_sent(MANAGED, MANAGED);
    for path in [
        "/SCIM/ACC2/Users",
        "/x/..;/scim/ACC2/Users",
        "/scim%252fACC2%252fUsers",
    ] {
        assert_refused(path, path, LEADS);
    }
    assert_sent("/scimitar/ACC2/Users", "/scimitar/ACC2/Users");
}
