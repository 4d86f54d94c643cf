//! What a policy claims about a request, and the plainest of everything that it can say.

use scimguard_core::facts::{Key, Unseen, UserKey};
use scimguard_core::message::{AnswerHandling, ForwardBody, ResponseBody};
use scimguard_core::record::Record;
use scimguard_core::{
    Forward, Need, Outcome, Proceed, Reject, Request, Respond, Response, Verdict,
};

use super::Says;

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

    pub(super) fn forward(self, request: &Request) -> Forward {
        Forward {
            account: self.account,
            verified_token: self.token,
            records: self.records,
            ..forward(request)
        }
    }

    pub(super) fn proceed(self) -> Proceed {
        Proceed {
            records: self.records,
            continuation: Vec::new(),
            changes: Vec::new(),
            rule: None,
            account: self.account,
            verified_token: self.token,
        }
    }

    /// In every place that can have all of it, each after the facts were looked up.
    pub(super) fn everywhere(&self, request: &Request) -> Vec<Vec<Says>> {
        let claim = || self.clone();
        let proceeds = || Says::Decides(Verdict::Proceed(Self::default().proceed()));
        let forward = claim().forward(request);
        let mut places = vec![
            vec![
                Says::Looks,
                Says::Decides(Verdict::Forward(forward.clone())),
            ],
            vec![
                Says::Looks,
                Says::Decides(Verdict::Proceed(claim().proceed())),
            ],
            vec![
                proceeds(),
                Says::Looks,
                Says::Judges(Outcome::Forward(forward)),
            ],
            vec![
                proceeds(),
                Says::Looks,
                Says::Judges(Outcome::Proceed(claim().proceed())),
            ],
        ];
        if self.records.is_empty() {
            let rejects = Reject {
                account: self.account.clone(),
                verified_token: self.token.clone(),
                ..reject()
            };
            places.push(vec![Says::Looks, Says::Decides(Verdict::Reject(rejects))]);
        }
        places
    }
}

pub(super) fn needs(keys: Vec<Key>) -> Need {
    Need {
        keys,
        body_limit: None,
    }
}

pub(super) fn user_key(account: &str) -> Key {
    Key::User(UserKey {
        account: account.to_owned(),
        value: "u1".to_owned(),
        unseen: Unseen::Absent,
    })
}

pub(super) fn forward(request: &Request) -> Forward {
    Forward {
        method: request.method.clone(),
        path: request.path.clone(),
        headers: request.headers.clone(),
        body: ForwardBody::AsReceived,
        answer: AnswerHandling::Pass,
        continuation: Vec::new(),
        changes: Vec::new(),
        records: Vec::new(),
        account: None,
        verified_token: None,
        rule: None,
    }
}

pub(super) fn response() -> Response {
    Response {
        status: 204,
        headers: Vec::new(),
        body: ResponseBody::None,
    }
}

pub(super) fn reject() -> Reject {
    Reject {
        rule: "test.refused".to_owned(),
        response: response(),
        changes: Vec::new(),
        account: None,
        verified_token: None,
    }
}

pub(super) fn respond() -> Respond {
    Respond {
        response: response(),
        records: Vec::new(),
        rule: None,
    }
}
