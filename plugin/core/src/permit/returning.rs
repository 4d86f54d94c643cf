//! Returning users: a provider that has deactivated a user, or is deleting them, may create them
//! again under another user name. The external id shows that it is the same person.

use super::Context;
use crate::act::{Act, Edit, Writes};
use crate::facts::{Holder, Key, ResourceKind, Unseen, User, UserKey};
use crate::fold::fold;
use crate::known::Stop;
use crate::policy::Adoption;
use crate::token::Actor;

/// The user that a write is about: by id, or by the name of a new user.
#[derive(Clone, Copy)]
pub(crate) struct Written<'a> {
    pub(crate) id: Option<&'a str>,
    pub(crate) name: Option<&'a str>,
}

/// The records that an act may take an external id from. The holders of the id must be known.
pub(super) fn keys(act: &Act, context: &Context<'_>) -> Result<Vec<Key>, Stop> {
    let mut keys = Vec::new();
    for edit in &act.edits {
        let (external_id, written) = match edit {
            Edit::CreateUser(new) => (
                &new.profile.external_id,
                Written {
                    id: None,
                    name: Some(&new.user_name),
                },
            ),
            Edit::ChangeUser(change) => (
                &change.profile.external_id,
                Written {
                    id: Some(&change.user.reference),
                    name: None,
                },
            ),
            _ => continue,
        };
        let others = context.others(external_id, written)?;
        keys.extend(others.into_iter().map(|(_, key)| key));
    }
    Ok(keys)
}

// === impl Context ===

impl<'a> Context<'a> {
    /// The person's records under other names: the provider's own, inactive or being deleted, with
    /// the external id that the request writes, if it writes one alone.
    pub(crate) fn earlier_records(
        &self,
        external_id: &Writes,
        written: Written<'_>,
    ) -> Result<Vec<&'a User>, Stop> {
        let mut records = Vec::new();
        for (value, key) in self.others(external_id, written)? {
            let user = self.facts.user(&key)?;
            records.extend(user.filter(|user| self.may_return(user, value)));
        }
        Ok(records)
    }

    /// The other users with an external id that the request writes, if the provider may take it back.
    fn others<'w>(
        &self,
        external_id: &'w Writes,
        written: Written<'_>,
    ) -> Result<Vec<(&'w str, Key)>, Stop> {
        if *self.actor == Actor::Operator || self.account.reprovision == Adoption::Deny {
            return Ok(Vec::new());
        }
        let is_written = |holder: &Holder, id: &str| {
            let name = holder.name.as_deref().map(fold);
            written.id == Some(id) || written.name.is_some_and(|own| name == Some(fold(own)))
        };
        // A later write must not take back what made an earlier one permitted.
        let Some(value) = external_id.agreed() else {
            return Ok(Vec::new());
        };
        let mut others = Vec::new();
        for holder in self.facts.holders(&self.external_id_key(value))? {
            if let (ResourceKind::User, Some(id)) = (holder.kind, &holder.id)
                && !is_written(holder, id)
            {
                let key = Key::User(UserKey {
                    account: self.account_name.to_owned(),
                    value: id.clone(),
                    unseen: Unseen::Absent,
                });
                others.push((value, key));
            }
        }
        Ok(others)
    }

    fn may_return(&self, user: &User, external_id: &str) -> bool {
        user.managed_by.is_some()
            && !self.owned_by_other(user.managed_by.as_deref())
            && (!user.active || user.deletion_pending)
            && user.external_id.as_deref() == Some(external_id)
    }
}
