//! Groups.

use super::*;

#[test]
#[rustfmt::skip]
fn an_intent_is_a_group_without_an_id() {
    let full = |intent: &mut Intent| {
        intent.display_name = Some("Team".to_owned());
        intent.derived_id = Some("g1".to_owned());
        intent.external_id = Some("00g".to_owned());
        intent.members = vec!["u1".to_owned(), "u2".to_owned()];
    };
    let row = |taken, repeated| {
        team(open("team"), move |row| {
            row.group.external_id = Some("00g".to_owned());
            row.group.write_pending = true;
            row.taken = taken;
            row.repeated = repeated;
            row.opened = Some(NOW);
        })
    };
    let adding = |user, opened| member(in_open(user), Adding, None, opened);
    step([], &intent(Kind::Group, full), [row(false, 0), adding("u1", NOW), adding("u2", NOW)]);

    // Another group has the derived id.
    let known = || others(as_it_is);
    step(
        [known()],
        &intent(Kind::Group, full),
        [known(), row(true, 0), adding("u1", NOW), adding("u2", NOW)],
    );

    // Each earlier attempt may have made a group with its members.
    let earlier = team(open("team"), |row| {
        open_group(row);
        row.repeated = 1;
    });
    step(
        [earlier, adding("u2", 3), adding("u3", 3)],
        &intent(Kind::Group, full),
        [row(true, 2), adding("u1", NOW), adding("u2", 3), adding("u3", 3)],
    );
}

#[test]
fn without_a_derived_id_no_id_is_taken() {
    let named = |intent: &mut Intent| intent.display_name = Some("Team".to_owned());
    let after = team(open("team"), |row| {
        row.group.derived_id = None;
        row.group.write_pending = true;
        row.opened = Some(NOW);
    });
    let create = intent(Kind::Group, named);
    step([others(as_it_is)], &create, [others(as_it_is), after]);
    assert_eq!(written([], &create), 1, "and no members");
}

#[test]
fn a_group_is_open_since_a_write_is() {
    let certain = team(id("g1"), as_it_is);
    let opened = team(id("g1"), |row| {
        row.group.write_pending = true;
        row.opened = Some(NOW);
    });
    let earlier = || others(open_group);
    step([earlier()], &put(team(id("g1"), as_it_is)), [certain]);
    step([earlier()], &put(team(id("g1"), open_group)), [opened]);
    // Only an intent has no id.
    step([earlier()], &put(team(open("team"), as_it_is)), [earlier()]);
}

#[test]
#[rustfmt::skip]
fn a_settled_group_has_the_id_and_the_members() {
    let settled = settle(Kind::Group, "g1");
    let adding = |key| member(key, Adding, None, 3);
    step([], &settled, []);
    let once = || {
        team(open("team"), |row| {
            open_group(row);
            row.taken = true;
        })
    };
    step(
        [once(), adding(in_open("u1")), confirmed(key("g2", "u2"))],
        &settled,
        [team(id("g1"), open_group), adding(hers()), confirmed(key("g2", "u2"))],
    );

    // Another attempt may still make a group.
    let times = |repeated| {
        team(open("team"), move |row| {
            open_group(row);
            row.repeated = repeated;
        })
    };
    step(
        [times(2), adding(in_open("u1"))],
        &settled,
        [times(1), adding(in_open("u1")), team(id("g1"), open_group), adding(hers())],
    );
    // At last, there is none.
    step(
        [times(2), adding(in_open("u1"))],
        &conclude(Kind::Group, Some("g1")),
        [team(id("g1"), open_group), adding(hers())],
    );
}

#[test]
fn a_group_that_was_known_is_not_the_created_one() {
    let settled = settle(Kind::Group, "g1");
    let intent = || team(open("team"), open_group);
    let native = |row: &mut GroupRow| row.group.managed_by = None;
    let leaving = |row: &mut GroupRow| {
        open_group(row);
        row.group.deletion_pending = true;
    };
    for known in [others(as_it_is), others(leaving), others(native)] {
        let before = [known, intent(), confirmed(hers())];
        step(before.clone(), &settled, before);
    }

    // A native one that may have been deleted may be a new one.
    let deleted = others(|row| {
        leaving(row);
        native(row);
        row.group.members_known = false;
        row.opened = Some(2);
    });
    let created = team(id("g1"), |row| {
        open_group(row);
        row.group.members_known = false;
    });
    step(
        [
            deleted,
            intent(),
            member(in_open("u1"), Adding, None, 3),
            confirmed(hers()),
            confirmed(key("g1", "u2")),
            member(key("g1", "u3"), Removing, Some("tok1"), 3),
        ],
        &settled,
        [
            created,
            intent(),
            member(in_open("u1"), Adding, None, 3),
            member(hers(), Adding, None, 3),
            member(key("g1", "u2"), Adding, None, NOW),
            member(key("g1", "u3"), Removing, Some("tok1"), 3),
        ],
    );
}

#[test]
#[rustfmt::skip]
fn what_is_open_of_a_concluded_group_stays_open() {
    let concluded = conclude(Kind::Group, Some("g1"));
    let certain = || team(open("team"), as_it_is);
    let native = |row: &mut GroupRow| {
        open_group(row);
        row.group.managed_by = None;
    };
    step([certain(), others(as_it_is)], &concluded, [team(id("g1"), as_it_is)]);
    step([certain(), others(open_group)], &concluded, [team(id("g1"), open_group)]);
    // A native one's write is not the created one's.
    step([certain(), others(native)], &concluded, [team(id("g1"), |row| row.opened = Some(3))]);
    // Members of an existing group are known only if they were.
    let unknown = |row: &mut GroupRow| row.group.members_known = false;
    step([certain(), others(unknown)], &concluded, [team(id("g1"), unknown)]);
    step([others(as_it_is)], &concluded, [others(as_it_is)]);
}

#[test]
fn a_create_ends_with_its_last_attempt() {
    let times = |repeated| team(open("team"), move |row| row.repeated = repeated);
    let adding = || member(in_open("u1"), Adding, None, 3);
    let known = || [team(id("g1"), as_it_is), confirmed(hers())];
    let [group, in_group] = known();
    let withdrawn = withdraw(Kind::Group);
    step([times(2), adding()], &withdrawn, [times(1), adding()]);
    step([times(1), adding()], &withdrawn, [times(0), adding()]);
    step([times(0), adding(), group, in_group], &withdrawn, known());
    step([times(2), adding()], &conclude(Kind::Group, None), []);
    step(known(), &withdrawn, known());
    assert_eq!(written(known(), &withdrawn), 0);
}

#[test]
fn a_removed_group_has_no_members() {
    let away = elsewhere("org1", "g1", "u1");
    step(
        [
            team(id("g1"), as_it_is),
            scoped("org1", id("g1"), as_it_is),
            confirmed(hers()),
            confirmed(key("g2", "u1")),
            member(away.clone(), Adding, Some("tok1"), 3),
            to_add(hers()),
            to_add(key("g2", "u1")),
            to_remove(away.clone()),
        ],
        &Step::Record(Record::RemoveGroup(resource("org1", "g1"))),
        [
            team(id("g1"), as_it_is),
            confirmed(hers()),
            confirmed(key("g2", "u1")),
            to_add(hers()),
            to_add(key("g2", "u1")),
        ],
    );
}

#[test]
#[rustfmt::skip]
fn what_is_reopened_keeps_its_time() {
    let due = |row: &mut UserRow| {
        row.user.write_pending = true;
        row.opened = Some(0);
    };
    let users = reopen(Kind::User, "u1");
    step([ann(id("u1"), open_user)], &users, [ann(id("u1"), open_user)]);
    step([ann(id("u1"), as_it_is)], &users, [ann(id("u1"), due)]);
    step([ann(id("u2"), as_it_is)], &users, [ann(id("u2"), as_it_is)]);

    let due = |row: &mut GroupRow| {
        row.group.write_pending = true;
        row.opened = Some(0);
    };
    let groups = reopen(Kind::Group, "g1");
    let scoped = || scoped("org1", id("g1"), as_it_is);
    step([team(id("g1"), open_group)], &groups, [team(id("g1"), open_group)]);
    step([team(id("g1"), as_it_is), scoped()], &groups, [team(id("g1"), due), scoped()]);
    step([scoped()], &groups, [scoped()]);
}
