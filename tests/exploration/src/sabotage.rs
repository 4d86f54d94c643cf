//! Guards that are broken on purpose, so that the exploration shows that it would notice.

use serde::{Deserialize, Serialize};

/// In what a guard is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, clap::ValueEnum)]
pub enum Sabotage {
    /// It forwards creates without an intent.
    ForgetIntents,
    /// It forwards changes without noting that they may be made.
    ForgetPending,
    /// It keeps whom it deletes.
    KeepDeleted,
    /// It records deactivated users as active.
    ForgetDeactivation,
    /// It takes users out of groups without recording it.
    ForgetRemovals,
    /// It goes on although the record failed.
    IgnoreStore,
    /// It takes a 503 of the application for a refusal.
    WithdrawAt503,
    /// It takes a lost answer for a refusal.
    WithdrawUnanswered,
    /// It releases its leases before it forwards.
    ReleaseEarly,
    /// It takes no leases.
    LeaseNothing,
    /// It settles what the application may still do.
    SettleTooEarly,
}
