//! What a rule may know beyond the request, and the record in memory that answers.
//!
//! Facts come from the host's store. A key that has no answer yet is not "absent": the policy asks
//! for it with `need`.

mod answers;
mod document;
mod index;
mod memberships;
mod references;
mod rows;
mod shown;
mod table;

pub use scimguard_interface::TokenText;
pub use scimguard_interface::facts::*;

pub use rows::{
    GroupRow, GroupRowKey, MembershipKey, MembershipRow, RetryRow, RowId, Rows, UserRow,
    UserRowKey, seen_member,
};
pub use shown::{Ownership, ShownGroup, ShownMember, ShownUser};
pub use table::Table;
