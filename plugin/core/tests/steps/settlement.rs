//! What settles an uncertain outcome.

use super::*;

#[test]
#[rustfmt::skip]
fn settlements_are_these_steps() {
    let user = || intent_key(Kind::User);
    assert_eq!(
        settle_by_name(user(), "u1".to_owned()),
        [settle(Kind::User, "u1"), reopen(Kind::User, "u1")]
    );
    assert_eq!(
        settle_at_last(user(), Some("u1".to_owned())),
        [conclude(Kind::User, Some("u1")), reopen(Kind::User, "u1")]
    );
    assert_eq!(settle_at_last(user(), None), [conclude(Kind::User, None)]);

    let Row::Group(group, row) = scoped("org1", id("g1"), as_it_is) else { panic!("a group") };
    assert_eq!(
        settle_deletion(row.group.clone()),
        [Step::Record(Record::Group(row.group)), Step::DoubtMembers(group.clone())]
    );
    let users = |users: &[&str]| -> BTreeSet<String> {
        users.iter().map(|user| (*user).to_owned()).collect()
    };
    assert_eq!(
        settle_members(&group, &users(&["u1", "u2"]), &users(&["u3"])),
        [
            Step::SettleMember(elsewhere("org1", "g1", "u1"), In),
            Step::SettleMember(elsewhere("org1", "g1", "u2"), In),
            Step::SettleMember(elsewhere("org1", "g1", "u3"), Out),
        ]
    );
}
