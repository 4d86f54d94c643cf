//! Refusals of changes that only the identity provider may make. `permit::okta_only` applies these
//! rules.

super::rules! {
    /// Only the provider that pushed a group may add or remove its members.
    GROUP_MEMBERSHIP = "okta-only.group-membership", Some(403), None, "Harness documentation: add, remove, edit group members only in Okta";
    /// Only the provider that pushed a group may rename it or change its external id.
    GROUP_RENAME = "okta-only.group-rename", Some(403), None, "Harness documentation: rename groups only in Okta";
    /// Only the provider that pushed a group may delete it.
    GROUP_DELETE = "okta-only.group-delete", Some(403), None, "Harness documentation: delete groups only in Okta";
    /// Only the provider may change the e-mail and full name of a user who came with a pushed
    /// group. With `direct_users: locked` this holds for every user that a provider provisioned,
    /// and for every attribute. The external id of a provisioned user is always the provider's.
    USER_PROFILE = "okta-only.user-profile", Some(403), None, "Harness documentation: edit a user's e-mail and full name only in Okta";
    /// Only the provider may change the group assignments of a user who came with a pushed group.
    USER_GROUPS = "okta-only.user-groups", Some(403), None, "Harness documentation: edit a user's group assignments only in Okta";
    /// Only the provider may delete, deactivate or reactivate a user whom it provisioned.
    USER_DELETE = "okta-only.user-delete", Some(403), None, "Harness documentation: delete Okta-provisioned users only in Okta";
    /// Only the provider may create users, where the policy says `local_users: deny`.
    USER_CREATE = "okta-only.user-create", Some(403), None, "IPSIE SCIM profile, AL2";
    /// Operators may not change what carries the provider's access: the things that the policy
    /// lists as `protected`, such as the service account of the provider, its API keys and tokens,
    /// and the settings of SCIM. Nor may they mark anything as the provider's that no provider
    /// pushed. Make the change in the application itself, bypassing the guard, or remove it from
    /// `protected`.
    PROVISIONING = "okta-only.provisioning", Some(403), None, "Harness documentation: the SCIM token belongs to a service account; SCIM with JWT tokens";
    /// A deactivated user whom a provider provisioned cannot be changed until the provider
    /// reactivates them, where the policy says `deactivated: locked` (preset `harness`).
    USER_DEACTIVATED = "user.deactivated", Some(400), Some("mutability"), "Harness documentation: a deactivated user cannot be changed";
}
