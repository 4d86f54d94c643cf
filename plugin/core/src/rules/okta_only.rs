//! What only the identity provider may change. `permit::okta_only` judges by these rules.

super::rules! {
    /// Members of a pushed group are added and removed only by the provider that pushed it.
    GROUP_MEMBERSHIP = "okta-only.group-membership", Some(403), None, "Harness documentation: add, remove, edit group members only in Okta";
    /// A pushed group is renamed, and gets another external id, only by the provider that pushed it.
    GROUP_RENAME = "okta-only.group-rename", Some(403), None, "Harness documentation: rename groups only in Okta";
    /// A pushed group is deleted only by the provider that pushed it.
    GROUP_DELETE = "okta-only.group-delete", Some(403), None, "Harness documentation: delete groups only in Okta";
    /// The e-mail and full name of a user who came with a pushed group are changed only by the
    /// provider. With `direct_users: locked` this holds for every user that a provider provisioned, and
    /// for every attribute. The external id of a provisioned user is always the provider's.
    USER_PROFILE = "okta-only.user-profile", Some(403), None, "Harness documentation: edit a user's e-mail and full name only in Okta";
    /// The group assignments of a user who came with a pushed group are changed only by the
    /// provider.
    USER_GROUPS = "okta-only.user-groups", Some(403), None, "Harness documentation: edit a user's group assignments only in Okta";
    /// A user whom a provider provisioned is deleted, deactivated and brought back only by the
    /// provider.
    USER_DELETE = "okta-only.user-delete", Some(403), None, "Harness documentation: delete Okta-provisioned users only in Okta";
    /// Users are created only by the provider, where the policy says `local_users: deny`.
    USER_CREATE = "okta-only.user-create", Some(403), None, "IPSIE SCIM profile, AL2";
    /// What carries the provider's access is not changed by operators: the things that the policy lists
    /// as `protected`, such as the service account of the provider, its API keys and tokens, and the
    /// settings of SCIM. Nor is anything marked as the provider's that no provider pushed. Change it in
    /// the application itself, past the guard, or take it out of `protected`.
    PROVISIONING = "okta-only.provisioning", Some(403), None, "Harness documentation: the SCIM token belongs to a service account; SCIM with JWT tokens";
    /// A deactivated user whom a provider provisioned is not changed until the provider activates it
    /// again, where the policy says `deactivated: locked` (preset `harness`).
    USER_DEACTIVATED = "user.deactivated", Some(400), Some("mutability"), "Harness documentation: a deactivated user cannot be changed";
}
