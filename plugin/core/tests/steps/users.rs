//! Users.

use super::*;

#[test]
fn an_intent_is_a_user_without_an_id() {
    let full = |intent: &mut Intent| {
        intent.user_name = Some("Ann".to_owned());
        intent.display_name = Some("Ann Lee".to_owned());
        intent.external_id = Some("00u".to_owned());
        intent.active = false;
    };
    let after = ann(open("ann"), |row| {
        row.user.display_name = Some("Ann Lee".to_owned());
        row.user.external_id = Some("00u".to_owned());
        row.user.active = false;
        row.user.write_pending = true;
        row.opened = Some(NOW);
    });
    step([], &intent(Kind::User, full), [after.clone()]);
    let earlier = ann(open("ann"), open_user);
    step([earlier], &intent(Kind::User, full), [after]);

    let unnamed = ann(open("ann"), |row| {
        row.user.user_name = "ann".to_owned();
        row.user.write_pending = true;
        row.opened = Some(NOW);
    });
    step([], &intent(Kind::User, as_it_is), [unnamed]);
}

#[test]
#[rustfmt::skip]
fn a_user_is_open_since_a_write_is() {
    let in_managed_group = |row: &mut UserRow| row.user.in_managed_group = true;
    let certain = ann(id("u1"), as_it_is);
    let opened = ann(id("u1"), |row| {
        row.user.write_pending = true;
        row.opened = Some(NOW);
    });
    let earlier = || other(open_user);
    step([earlier()], &put(ann(id("u1"), in_managed_group)), [certain]);
    step([earlier()], &put(ann(id("u1"), open_user)), [opened]);

    // The answer to a create: the intent is what the answer says.
    let intent = ann(open("ann"), open_user);
    let answered = ann(open("ann"), as_it_is);
    step([intent], &put(ann(open("ann"), in_managed_group)), [answered]);
}

#[test]
#[rustfmt::skip]
fn a_settled_user_has_the_id() {
    let settled = settle(Kind::User, "u1");
    step([], &settled, []);
    step([other(as_it_is)], &settled, [other(as_it_is)]);
    step([ann(open("ann"), open_user)], &settled, [ann(id("u1"), open_user)]);
    step([ann(open("ann"), as_it_is)], &settled, [ann(id("u1"), as_it_is)]);
    let concluded = conclude(Kind::User, Some("u1"));
    step([ann(open("ann"), open_user)], &concluded, [ann(id("u1"), open_user)]);
}

#[test]
#[rustfmt::skip]
fn a_settled_user_replaces_what_was_not_written_since() {
    let settled = settle(Kind::User, "u1");
    let native = |row: &mut UserRow| row.user.managed_by = None;
    let answered = || ann(open("ann"), as_it_is);

    // A native user gives way, and leaves nothing open.
    let open_native = other(|row| {
        open_user(row);
        row.user.active = false;
        native(row);
    });
    step([answered(), open_native], &settled, [ann(id("u1"), as_it_is)]);

    // What the provider wrote by the id stays. While that is open, so is the user.
    step([answered(), other(as_it_is)], &settled, [other(as_it_is)]);
    step([answered(), other(open_user)], &settled, [ann(id("u1"), open_user)]);
    let since_long = |row: &mut UserRow| {
        row.user.write_pending = true;
        row.opened = None;
    };
    // Since the later of the two writes.
    step([ann(open("ann"), open_user), other(since_long)], &settled, [ann(id("u1"), open_user)]);

    // The user is the provider's since the first of them.
    let earlier = |row: &mut UserRow| {
        open_user(row);
        row.user.since = Some(0);
        row.user.origin = Some(Origin::Adopted(None));
    };
    step([ann(open("ann"), open_user), other(earlier)], &settled, [ann(id("u1"), earlier)]);

    // A native user never replaces one of a provider.
    step([ann(open("ann"), native), other(open_user)], &settled, [other(open_user)]);
    step([ann(open("ann"), native)], &settled, [ann(id("u1"), native)]);
}

#[test]
#[rustfmt::skip]
fn a_settled_user_is_active_if_both_are() {
    let inactive = |row: &mut UserRow| {
        open_user(row);
        row.user.active = false;
    };
    let settled = settle(Kind::User, "u1");
    step([ann(open("ann"), inactive), other(open_user)], &settled, [ann(id("u1"), inactive)]);
    step([ann(open("ann"), open_user), other(inactive)], &settled, [ann(id("u1"), inactive)]);
}

#[test]
fn a_withdrawn_user_is_gone() {
    let known = || ann(id("u1"), as_it_is);
    let intent = || ann(open("ann"), open_user);
    step([intent(), known()], &withdraw(Kind::User), [known()]);
    step([intent(), known()], &conclude(Kind::User, None), [known()]);
    step([known()], &withdraw(Kind::User), [known()]);
    assert_eq!(written([known()], &withdraw(Kind::User)), 0);
}

#[test]
fn a_removed_user_is_in_no_group() {
    let mut foreign = hers();
    foreign.account = "ACC2".to_owned();
    step(
        [
            ann(id("u1"), as_it_is),
            ann(id("u2"), as_it_is),
            confirmed(hers()),
            member(elsewhere("org1", "g2", "u1"), Removing, Some("tok1"), 3),
            confirmed(key("g1", "u2")),
            confirmed(foreign.clone()),
            to_add(hers()),
            to_add(key("g1", "u2")),
            to_remove(foreign.clone()),
        ],
        &Step::Record(Record::RemoveUser(resource("", "u1"))),
        [
            ann(id("u2"), as_it_is),
            confirmed(key("g1", "u2")),
            confirmed(foreign.clone()),
            to_add(key("g1", "u2")),
            to_remove(foreign),
        ],
    );
}
