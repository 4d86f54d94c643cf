//! Records in a continuation. Documents write them as JSON objects with a named kind; here the kind
//! is a number.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::facts::{Group, User};
use crate::record::{
    FailedChange, Intent, IntentKey, MemberRecord, MembersRecord, Record, ResourceKey, Settled,
};

/// The same as [`Record`].
#[derive(Serialize, Deserialize)]
#[serde(remote = "Record")]
pub(crate) enum Kept {
    Intent(Intent),
    Settle(#[serde(with = "KeptSettled")] Settled),
    Withdraw(IntentKey),
    User(User),
    Group(Group),
    Member(MemberRecord),
    Members(MembersRecord),
    Failed(FailedChange),
    RemoveUser(ResourceKey),
    RemoveGroup(ResourceKey),
}

/// The same as [`Settled`].
#[derive(Serialize, Deserialize)]
#[serde(remote = "Settled")]
struct KeptSettled {
    intent: IntentKey,
    id: String,
}

#[derive(Serialize)]
struct Shown<'a>(#[serde(with = "Kept")] &'a Record);

#[derive(Deserialize)]
struct Read(#[serde(with = "Kept")] Record);

/// A list of them.
pub(crate) fn serialize<S: Serializer>(records: &[Record], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(records.iter().map(Shown))
}

/// A list of them.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Record>, D::Error> {
    let records: Vec<Read> = Vec::deserialize(from)?;
    Ok(records.into_iter().map(|Read(record)| record).collect())
}
