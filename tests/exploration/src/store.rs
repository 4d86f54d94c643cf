//! Access to the record for the code of a request.

use std::collections::BTreeSet;
use std::sync::Arc;

use scimguard_core::facts::{Answer, Group, Key, User};
use scimguard_core::record::settlement::Step;
use scimguard_knowledge::{OpenIntent, OpenMembers, Store};

use super::calls::{Call, Desk, Only, Open, Reply};

/// The store failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Away;

/// Access to the record for the code of one request.
pub(crate) struct Reached(pub(crate) Arc<Desk>);

impl Store for Reached {
    type Error = Away;

    async fn answer(&self, keys: &[Key]) -> Result<Vec<Answer>, Away> {
        match self.0.ask(Call::Answer(keys.to_vec())).await {
            Reply::Answers(answers) => Ok(answers),
            _ => Err(Away),
        }
    }

    async fn apply(&self, steps: Vec<Step>) -> Result<(), Away> {
        match self.0.ask(Call::Apply(steps)).await {
            Reply::Done => Ok(()),
            _ => Err(Away),
        }
    }

    async fn open_intents(&self, only: Option<(&str, &str)>) -> Result<Vec<OpenIntent>, Away> {
        match self.0.ask(Call::Open(Open::Intents(owned(only)))).await {
            Reply::Intents(open) => Ok(open),
            _ => Err(Away),
        }
    }

    async fn open_users(&self, before: u64, only: Option<(&str, &str)>) -> Result<Vec<User>, Away> {
        match self
            .0
            .ask(Call::Open(Open::Users(before, owned(only))))
            .await
        {
            Reply::Users(open) => Ok(open),
            _ => Err(Away),
        }
    }

    async fn open_groups(
        &self,
        before: u64,
        only: Option<(&str, &str)>,
    ) -> Result<Vec<Group>, Away> {
        match self
            .0
            .ask(Call::Open(Open::Groups(before, owned(only))))
            .await
        {
            Reply::Groups(open) => Ok(open),
            _ => Err(Away),
        }
    }

    async fn open_members(&self, before: u64) -> Result<Vec<OpenMembers>, Away> {
        match self.0.ask(Call::Open(Open::Members(before))).await {
            Reply::Members(open) => Ok(open),
            _ => Err(Away),
        }
    }

    async fn open_members_of(
        &self,
        group: &OpenMembers,
        before: u64,
    ) -> Result<BTreeSet<String>, Away> {
        let question = Open::MembersOf(group.clone(), before);
        match self.0.ask(Call::Open(question)).await {
            Reply::MembersOf(open) => Ok(open),
            _ => Err(Away),
        }
    }

    async fn recorded_group(&self, account: &str, id: &str) -> Result<Option<Group>, Away> {
        let question = Open::Group(account.to_owned(), id.to_owned());
        match self.0.ask(Call::Open(question)).await {
            Reply::Group(group) => Ok(group),
            _ => Err(Away),
        }
    }
}

fn owned(only: Option<(&str, &str)>) -> Only {
    only.map(|(account, id)| (account.to_owned(), id.to_owned()))
}
