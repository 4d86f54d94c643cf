//! Refusals because a name or an id belongs to somebody else. `permit::ownership` applies these
//! rules.

super::rules! {
    /// The provider writes to a user who exists natively, and the policy does not let it take users
    /// over (`adopt.users: deny`).
    NATIVE_USER = "ownership.native-user", Some(409), Some("uniqueness"), "Harness migration guide: existing users are taken over";
    /// The provider writes to a group that it did not push, and the policy does not let it take
    /// groups over (`adopt.groups: deny`). The answer is 404, so that the provider pushes a group of
    /// its own, and both are kept.
    NATIVE_GROUP = "ownership.native-group", Some(404), None, "Harness documentation: a pushed group and an existing group of the same name are both retained";
    /// A user would get the user name or e-mail of another user, in any case or form, or one that
    /// looks like it.
    USER_NAME = "ownership.user-name", Some(409), Some("uniqueness"), "RFC 7643 §4.1.1, UTS 39 §4";
    /// A pushed group would get the id of another pushed group with another name.
    GROUP_ID = "ownership.group-id", Some(409), Some("uniqueness"), "Harness documentation: a group's id is its name with underscores";
    /// The external id is already the id or external id of another resource in this account. A user
    /// whom the provider has deactivated or is deleting does not block the external id: the
    /// provider may create the same person under another user name, unless the policy says
    /// `reprovision: deny`.
    EXTERNAL_ID = "ownership.external-id", Some(409), Some("uniqueness"), "CVE-2025-41115";
}
