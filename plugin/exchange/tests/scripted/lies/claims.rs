//! What a policy claims about a request, in every place where it can.

use scimguard_core::message::{AnswerHandling, ForwardBody};
use scimguard_core::record::Record;
use scimguard_core::{Forward, Outcome, Proceed, Reject, Request, Verdict};

use crate::script::Says;
use crate::script::says;

/// What a policy claims about a request.
#[derive(Clone, Debug, Default)]
pub(super) struct Claim {
    pub(super) account: Option<String>,
    pub(super) token: Option<String>,
    pub(super) records: Vec<Record>,
}

impl Claim {
    pub(super) fn new(account: Option<&str>, token: Option<&str>) -> Self {
        Self {
            account: account.map(str::to_owned),
            token: token.map(str::to_owned),
            records: Vec::new(),
        }
    }

    /// Forwards the request unchanged.
    pub(super) fn forward(self, request: &Request) -> Forward {
        Forward {
            method: request.method.clone(),
            path: request.path.clone(),
            headers: request.headers.clone(),
            body: ForwardBody::AsReceived,
            answer: AnswerHandling::Pass,
            account: self.account,
            verified_token: self.token,
            records: self.records,
            ..says::forward()
        }
    }

    pub(super) fn proceed(self) -> Proceed {
        Proceed {
            records: self.records,
            account: self.account,
            verified_token: self.token,
            ..says::proceed()
        }
    }

    /// In every place that can have all of it, each after the facts were looked up.
    pub(super) fn everywhere(&self, request: &Request) -> Vec<Vec<Says>> {
        let claim = || self.clone();
        let forward = claim().forward(request);
        let mut places = vec![
            vec![Says::Looks, Verdict::Forward(forward.clone()).into()],
            vec![Says::Looks, Verdict::Proceed(claim().proceed()).into()],
            vec![proceeds(), Says::Looks, Outcome::Forward(forward).into()],
            vec![
                proceeds(),
                Says::Looks,
                Outcome::Proceed(claim().proceed()).into(),
            ],
        ];
        if self.records.is_empty() {
            let rejects = Reject {
                account: self.account.clone(),
                verified_token: self.token.clone(),
                ..says::reject(204)
            };
            places.push(vec![Says::Looks, Verdict::Reject(rejects).into()]);
        }
        places
    }
}

/// A part before another, which claims nothing.
pub(super) fn proceeds() -> Says {
    Verdict::Proceed(Claim::default().proceed()).into()
}
