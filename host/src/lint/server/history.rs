//! Checks an exchange across entries: which users were created and deleted, and whether the
//! server's answers agree.

use std::collections::{BTreeMap, BTreeSet};

use scimguard_core::facts::ResourceKind;
use scimguard_core::fold;
use serde_json::Value;

use crate::lint::exchange::{Call, Endpoint};
use crate::lint::findings::Findings;
use crate::lint::points::server as points;

/// A base, and an id or a folded user name below it.
type Key = (String, String);

/// The state after the entries so far.
#[derive(Default)]
pub(in crate::lint) struct History {
    /// Ids of users by name.
    names: BTreeMap<Key, String>,
    deleted: BTreeSet<(bool, Key)>,
    /// Names of users who were deleted and not created again.
    free_names: BTreeSet<Key>,
}

/// Statuses of refusals that say nothing about the name.
const UNRELATED: &[u16] = &[401, 403, 404, 408, 413, 415, 425, 429];

// === impl History ===

impl History {
    /// Checks a call against those before it, and records it.
    pub(super) fn look(&mut self, call: &Call<'_>, status: u16, found: &mut Findings) {
        match (call.entry.method.as_str(), &call.endpoint) {
            ("POST", Endpoint::Collection(kind)) => self.create(call, *kind, status, found),
            (_, Endpoint::Resource(kind, id)) => {
                if call.entry.succeeded() && self.is_deleted(call, *kind, id) {
                    found.at(
                        &points::DELETED_FOUND,
                        "status",
                        format!("{status} for a deleted resource; expected 404"),
                    );
                }
                self.resource(call, *kind, id);
            }
            ("GET", Endpoint::Collection(_)) | ("POST", Endpoint::Search(_)) => {
                self.list(call, found);
            }
            _ => {}
        }
    }

    fn create(&mut self, call: &Call<'_>, kind: ResourceKind, status: u16, found: &mut Findings) {
        let id = text(call.answered.as_ref(), "id");
        if let (true, Some(id)) = (call.entry.succeeded(), id) {
            // An id derived from a name returns with it.
            self.deleted.remove(&deleted(call, kind, id));
        }
        let name = text(call.sent.as_ref(), "userName");
        let (ResourceKind::User, Some(name)) = (kind, name) else {
            return;
        };
        let key = (call.base.clone(), fold(name));
        let is_taken = self.names.contains_key(&key);
        if call.entry.succeeded() {
            if is_taken {
                found.at(
                    &points::CREATED_TWICE,
                    "status",
                    format!("{status} for a user name that is taken; expected 409"),
                );
            }
            self.free_names.remove(&key);
            self.names.insert(key, id.unwrap_or_default().to_owned());
        } else if is_taken && status >= 400 && status != 409 && !UNRELATED.contains(&status) {
            found.at(
                &points::DUPLICATE_STATUS,
                "status",
                format!("{status} for a user name that is taken; expected 409"),
            );
        } else if status == 409 && self.free_names.contains(&key) {
            found.at(
                &points::DELETED_NAME,
                "status",
                "409 for the user name of a deleted user; expected 201",
            );
        }
    }

    fn resource(&mut self, call: &Call<'_>, kind: ResourceKind, id: &str) {
        if !call.entry.succeeded() {
            return;
        }
        let of_user = |(base, _): &Key, known: &String| *base == call.base && known == id;
        match (call.entry.method.as_str(), kind) {
            ("DELETE", _) => {
                self.deleted.insert(deleted(call, kind, id));
                if kind == ResourceKind::User {
                    let names = self.names.extract_if(.., |key, known| of_user(key, known));
                    self.free_names.extend(names.map(|(key, _)| key));
                }
            }
            ("GET" | "PUT" | "PATCH", ResourceKind::User) => {
                if call.entry.method != "GET" {
                    self.names.retain(|key, known| !of_user(key, known));
                }
                if let Some(name) = text(call.answered.as_ref(), "userName") {
                    let key = (call.base.clone(), fold(name));
                    self.names.insert(key, id.to_owned());
                }
            }
            _ => {}
        }
    }

    fn list(&mut self, call: &Call<'_>, found: &mut Findings) {
        let (Endpoint::Collection(kind) | Endpoint::Search(Some(kind))) = call.endpoint else {
            return;
        };
        let resources = call
            .answered
            .as_ref()
            .and_then(|body| body.get("Resources"));
        for (index, one) in resources
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .enumerate()
        {
            let Some(id) = text(Some(one), "id") else {
                continue;
            };
            if self.is_deleted(call, kind, id) {
                found.at(
                    &points::DELETED_LISTED,
                    format!("Resources[{index}]"),
                    "a deleted resource",
                );
            } else if let (ResourceKind::User, Some(name)) = (kind, text(Some(one), "userName")) {
                let key = (call.base.clone(), fold(name));
                self.names.insert(key, id.to_owned());
            }
        }
    }

    fn is_deleted(&self, call: &Call<'_>, kind: ResourceKind, id: &str) -> bool {
        self.deleted.contains(&deleted(call, kind, id))
    }
}

fn deleted(call: &Call<'_>, kind: ResourceKind, id: &str) -> (bool, Key) {
    let key = (call.base.clone(), id.to_owned());
    (kind == ResourceKind::User, key)
}

/// A member that is text.
fn text<'v>(value: Option<&'v Value>, name: &str) -> Option<&'v str> {
    value?.get(name)?.as_str()
}
