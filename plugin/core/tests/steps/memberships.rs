//! Memberships, and changes of them to repeat.

use super::*;

#[test]
fn members_in_doubt_may_be_out() {
    let group = GroupRowKey::new(ACCOUNT, "", id("g1"));
    step(
        [
            confirmed(hers()),
            member(key("g1", "u2"), Unconfirmed, None, 3),
            member(key("g1", "u3"), Adding, Some("tok1"), 3),
            member(key("g1", "u4"), Removing, Some("tok1"), 3),
            confirmed(key("g2", "u1")),
            confirmed(elsewhere("org1", "g1", "u1")),
        ],
        &Step::DoubtMembers(group),
        [
            member(hers(), Adding, None, NOW),
            member(key("g1", "u2"), Adding, None, NOW),
            member(key("g1", "u3"), Adding, Some("tok1"), 3),
            member(key("g1", "u4"), Removing, Some("tok1"), 3),
            confirmed(key("g2", "u1")),
            confirmed(elsewhere("org1", "g1", "u1")),
        ],
    );
}

#[test]
fn listed_members_are_in() {
    let users = ["u1", "u2", "u3", "u4", "u5"].map(str::to_owned).to_vec();
    let all = MembersRecord {
        account: ACCOUNT.to_owned(),
        scope: String::new(),
        group: "g1".to_owned(),
        users,
    };
    step(
        [
            member(hers(), Unconfirmed, None, 3),
            member(key("g1", "u2"), Adding, Some("tok1"), 3),
            member(key("g1", "u3"), Removing, Some("tok1"), 3),
            confirmed(key("g1", "u4")),
            member(key("g1", "u6"), Adding, Some("tok1"), 3),
            member(key("g2", "u1"), Adding, Some("tok1"), 3),
            to_add(hers()),
            to_remove(key("g1", "u4")),
            to_add(key("g1", "u6")),
            to_add(key("g2", "u1")),
        ],
        &Step::Record(Record::Members(all)),
        [
            confirmed(hers()),
            confirmed(key("g1", "u2")),
            confirmed(key("g1", "u3")),
            confirmed(key("g1", "u4")),
            confirmed(key("g1", "u5")),
            member(key("g1", "u6"), Adding, Some("tok1"), 3),
            member(key("g2", "u1"), Adding, Some("tok1"), 3),
            to_add(key("g1", "u6")),
            to_add(key("g2", "u1")),
        ],
    );
}

#[test]
#[rustfmt::skip]
fn a_membership_is_open_until_it_has_an_outcome() {
    let by = Some("tok1");
    let earlier = || member(hers(), Unconfirmed, None, 3);
    for state in [Adding, Removing] {
        let after = [member(hers(), state, by, NOW)];
        step([earlier()], &set(Some(state), by), after);
    }
    step([], &set(Some(Adding), by), [member(hers(), Adding, by, NOW)]);
    let unconfirmed = [member(hers(), Unconfirmed, None, NOW)];
    step([], &set(Some(Unconfirmed), None), unconfirmed);
    // A user who is not a member on record is not taken out.
    step([], &set(Some(Removing), by), []);
    step([earlier()], &set(Some(Confirmed), by), [confirmed(hers())]);
    step([earlier()], &set(None, by), []);
    step([confirmed(key("g1", "u2"))], &set(None, by), [confirmed(key("g1", "u2"))]);
}

#[test]
fn what_is_right_is_not_written_again() {
    let again = member(hers(), Adding, Some("tok1"), NOW);
    assert_eq!(written([again], &set(Some(Adding), Some("tok1"))), 0);
    assert_eq!(written([confirmed(hers())], &set(Some(Confirmed), None)), 0);
    assert_eq!(written([], &set(None, None)), 0);
    assert_eq!(written([], &Step::SettleMember(hers(), In)), 0);
    assert_eq!(
        written([confirmed(hers())], &Step::SettleMember(hers(), Out)),
        0
    );
}

#[test]
#[rustfmt::skip]
fn an_outcome_makes_every_retry_obsolete_and_an_open_change_the_opposite_one() {
    let by = Some("tok1");
    let row = |state| member(hers(), state, by, NOW);
    step([to_add(hers())], &set(Some(Adding), by), [row(Adding), to_add(hers())]);
    step([to_remove(hers())], &set(Some(Adding), by), [row(Adding)]);
    step([to_add(hers())], &set(Some(Removing), by), []);
    step([to_remove(hers())], &set(Some(Removing), by), [to_remove(hers())]);
    for retry in [to_add, to_remove] {
        // Nobody's open change is no provider's.
        let unconfirmed = [member(hers(), Unconfirmed, None, NOW)];
        step([retry(hers())], &set(Some(Unconfirmed), None), unconfirmed);
        step([retry(hers())], &set(Some(Confirmed), by), [confirmed(hers())]);
        step([retry(hers())], &set(None, by), []);
    }
    let another = || to_add(key("g1", "u2"));
    step([another()], &set(None, None), [another()]);
}

#[test]
fn a_failed_change_is_counted() {
    let failed = |present, first_seen, attempts| {
        retry(hers(), move |row| {
            row.present = present;
            row.status = Some(500);
            row.first_seen = first_seen;
            row.last_tried = 5;
            row.attempts = attempts;
            row.token = "tok2".to_owned();
        })
    };
    let earlier = || {
        retry(hers(), |row| {
            row.attempts = 3;
            row.asked = Some(4);
        })
    };
    step([], &fail(true), [failed(true, 5, 1)]);
    step([earlier()], &fail(true), [failed(true, 2, 4)]);
    step([earlier()], &fail(false), [failed(false, 5, 1)]);
    // In memory nothing is retried, and no time is known.
    let mut table = Table::default();
    for step in [fail(true), put(ann(id("u1"), open_user))] {
        if let Step::Record(record) = step {
            table.apply(&record);
        }
    }
    let opened = ann(id("u1"), |row| {
        row.user.write_pending = true;
        row.opened = Some(0);
    });
    assert_eq!(*table.rows(), rows([opened]));
}

#[test]
#[rustfmt::skip]
fn an_open_membership_becomes_what_the_backend_says() {
    let (by, other) = (Some("tok1"), key("g1", "u2"));
    let is_in = || Step::SettleMember(hers(), In);
    let is_out = || Step::SettleMember(hers(), Out);
    let open = |state| member(hers(), state, None, 3);
    for state in [Unconfirmed, Adding, Removing] {
        let another = || confirmed(other.clone());
        step([open(state), another()], &is_in(), [confirmed(hers()), another()]);
        step([open(state), another()], &is_out(), [another()]);
    }
    step([confirmed(hers())], &is_in(), [confirmed(hers())]);
    step([confirmed(hers())], &is_out(), [confirmed(hers())]);
    step([], &is_in(), []);

    // What the provider asked for and was not done must be done again, from when it was asked for.
    let failed = |present, at| {
        retry(hers(), move |row| {
            row.present = present;
            row.first_seen = at;
            row.last_tried = at;
        })
    };
    let asked = |state| member(hers(), state, by, 3);
    step([asked(Adding)], &is_in(), [confirmed(hers())]);
    step([asked(Adding)], &is_out(), [failed(true, 3)]);
    step([asked(Removing)], &is_out(), []);
    step([asked(Removing)], &is_in(), [confirmed(hers()), failed(false, 3)]);
    step([asked(Unconfirmed)], &is_out(), []);
    let Row::Member(at, row) = asked(Adding) else { panic!("a membership") };
    let timeless = Row::Member(at, MembershipRow { opened: None, ..row });
    step([timeless], &is_out(), [failed(true, NOW)]);

    // A retry that is due already stays; one that is done goes.
    let due = |present| {
        retry(hers(), move |row| {
            row.present = present;
            row.attempts = 3;
        })
    };
    step([asked(Adding), due(true)], &is_out(), [due(true)]);
    step([asked(Adding), due(false)], &is_out(), [failed(true, 3)]);
    step([asked(Adding), due(true)], &is_in(), [confirmed(hers())]);
    step([asked(Adding), due(false)], &is_in(), [confirmed(hers()), due(false)]);
    step([asked(Removing), due(false)], &is_in(), [confirmed(hers()), due(false)]);
    step([asked(Removing), due(true)], &is_in(), [confirmed(hers()), failed(false, 3)]);
    step([asked(Removing), due(false)], &is_out(), []);
    step([open(Adding), due(false)], &is_out(), []);
    step([open(Adding), due(true)], &is_out(), [due(true)]);
    step([confirmed(hers()), due(true)], &is_in(), [confirmed(hers())]);
    step([confirmed(hers()), due(true)], &is_out(), [confirmed(hers()), due(true)]);
    step([due(false)], &is_out(), []);
}

#[test]
#[rustfmt::skip]
fn a_dropped_retry_will_not_come_back() {
    let (by, want_in, want_out) =
        (Some("tok1"), Step::DropRetry(hers(), In), Step::DropRetry(hers(), Out));
    step([to_add(hers()), to_add(key("g1", "u2"))], &want_in, [to_add(key("g1", "u2"))]);
    step([to_add(hers())], &want_out, [to_add(hers())]);
    step([to_remove(hers())], &want_out, []);
    step([to_remove(hers())], &want_in, [to_remove(hers())]);

    let asked = |state| member(hers(), state, by, 3);
    let nobodys = |state| member(hers(), state, None, 3);
    step([asked(Adding)], &want_in, [nobodys(Adding)]);
    step([asked(Adding)], &want_out, [asked(Adding)]);
    step([asked(Removing)], &want_out, [nobodys(Removing)]);
    step([asked(Removing)], &want_in, [asked(Removing)]);
    for state in [Confirmed, Unconfirmed] {
        step([asked(state)], &want_in, [asked(state)]);
        step([asked(state)], &want_out, [asked(state)]);
    }
    assert_eq!(written([nobodys(Adding)], &want_in), 0);
}
