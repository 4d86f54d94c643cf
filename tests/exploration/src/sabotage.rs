//! Guards that are broken on purpose, to show that the exploration notices.

use serde::{Deserialize, Serialize};

/// A fault that is built into a guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, clap::ValueEnum)]
pub enum Sabotage {
    /// It forwards creates without an intent.
    ForgetIntents,
    /// It forwards changes without recording them as open first.
    ForgetPending,
    /// It keeps deleted users on record.
    KeepDeleted,
    /// It records deactivated users as active.
    ForgetDeactivation,
    /// It removes users from groups without recording it.
    ForgetRemovals,
    /// It continues although the record failed.
    IgnoreStore,
    /// It takes the application's 503 for a refusal.
    WithdrawAt503,
    /// It takes a lost answer for a refusal.
    WithdrawUnanswered,
    /// It releases its leases before it forwards.
    ReleaseEarly,
    /// It takes no leases.
    LeaseNothing,
    /// It settles writes that the application may still do.
    SettleTooEarly,
}
