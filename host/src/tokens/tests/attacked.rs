//! A token in use, next to very many made-up ones.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;

use super::scripted::Scripted;
use super::{ACCOUNT, NOW, configured, pass, seconds, verify};
use crate::network::Network;
use crate::tokens::issuers::{Issuers, Question, Verification};

const NAME: &str = "https://id.example.com";

const GOOD: &str = r#"{"active": true, "sub": "svc"}"#;

const BAD: &str = r#"{"active": false}"#;

/// The response time of a distant issuer.
const SLOW: Duration = Duration::from_millis(300);

/// An issuer that knows one token.
async fn issuer(takes: Duration, cache: &str) -> (Scripted, Arc<Issuers>) {
    let server = Scripted::slow(takes, 200, BAD).await;
    server.but_for("token=in-use", GOOD);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("client.secret");
    std::fs::write(&file, "hush").unwrap();
    let issuers = Issuers::new(&[configured(&format!(
        "issuer = {NAME:?}\nintrospection_url = \"{}/introspect\"\nclient_id = \"guard\"\n\
         client_secret_file = {:?}\nintrospection_cache = {cache:?}\n",
        server.url,
        file.display().to_string(),
    ))])
    .unwrap();
    // The secret is read at each question.
    std::mem::forget(folder);
    (server, Arc::new(issuers))
}

async fn said(issuers: &Issuers, token: &str, source: IpAddr) -> Verification {
    let question = Question {
        account: ACCOUNT,
        token,
        network: Some(Network::of(source)),
        now: NOW,
    };
    issuers.verify(NAME, question).await
}

const fn source(number: u32) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + number))
}

/// Clients without credentials that try tokens until this is dropped.
struct Attack {
    over: Arc<AtomicBool>,
    counts: Arc<[AtomicUsize; 3]>,
    clients: JoinSet<()>,
}

impl Attack {
    fn by(clients: u32, issuers: &Arc<Issuers>, source_of: fn(u32) -> IpAddr) -> Self {
        let mut attack = Self {
            over: Arc::default(),
            counts: Arc::new([const { AtomicUsize::new(0) }; 3]),
            clients: JoinSet::new(),
        };
        for client in 0..clients {
            let (issuers, over) = (Arc::clone(issuers), Arc::clone(&attack.over));
            let counts = Arc::clone(&attack.counts);
            attack.clients.spawn(async move {
                let mut tried = 0;
                while !over.load(Ordering::Relaxed) {
                    tried += 1;
                    let token = format!("made-up-{client}-{tried}");
                    let kind = match said(&issuers, &token, source_of(client)).await {
                        Verification::No => 0,
                        Verification::Busy => 1,
                        Verification::Failing(_) => 2,
                        other => panic!("{other:?}"),
                    };
                    counts[kind].fetch_add(1, Ordering::Relaxed);
                    // A refusal takes time on the network too.
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            });
        }
        attack
    }

    /// How many were asked about, and how many refused as too many and as too many wrong ones.
    async fn end(self) -> [usize; 3] {
        self.over.store(true, Ordering::Relaxed);
        self.clients.join_all().await;
        [0, 1, 2].map(|kind| self.counts[kind].load(Ordering::Relaxed))
    }

    async fn until_it_fills_its_lane(&self, kind: usize) {
        while self.counts[kind].load(Ordering::Relaxed) < 100 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// 700 clients at different addresses, an issuer that takes 0.3 s, and answers that expire after
/// each request.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_in_use_is_always_answered_beside_700_who_make_tokens_up() {
    let (server, issuers) = issuer(SLOW, "50ms").await;
    let good = async || said(&issuers, "in-use", source(1_000_000)).await;
    assert!(matches!(good().await, Verification::Claims(_)));
    let attack = Attack::by(700, &issuers, source);
    attack.until_it_fills_its_lane(1).await;
    for _ in 0..8 {
        tokio::time::sleep(Duration::from_millis(60)).await;
        assert!(matches!(good().await, Verification::Claims(_)));
    }
    let [asked, busy, failing] = attack.end().await;
    assert!(asked > 0 && busy > 100, "{asked} {busy} {failing}");
    let renewals = server.asked();
    let renewals = renewals.iter().filter(|it| it.body.contains("in-use"));
    assert!(renewals.count() > 8, "each answer was over");
}

/// They share the good token's address, such as that of a proxy that nobody trusts.
#[tokio::test(flavor = "multi_thread")]
async fn nor_do_wrong_tokens_from_its_own_address_hold_it_up() {
    let (_server, issuers) = issuer(SLOW, "50ms").await;
    let good = async || said(&issuers, "in-use", source(1)).await;
    assert!(matches!(good().await, Verification::Claims(_)));
    let attack = Attack::by(100, &issuers, |_| source(1));
    attack.until_it_fills_its_lane(2).await;
    for _ in 0..4 {
        tokio::time::sleep(Duration::from_millis(60)).await;
        assert!(matches!(good().await, Verification::Claims(_)));
    }
    let [asked, _, failing] = attack.end().await;
    assert!(
        failing > asked,
        "tokens of a failing network are not asked about"
    );
    // Other networks are.
    assert_eq!(said(&issuers, "new", source(2)).await, Verification::No);
}

/// An unknown client is answered although another one tries all it can.
#[tokio::test(flavor = "multi_thread")]
async fn one_network_does_not_fill_the_lane_of_unknown_tokens() {
    let (_server, issuers) = issuer(SLOW, "1m").await;
    let attack = Attack::by(200, &issuers, |_| source(1));
    attack.until_it_fills_its_lane(1).await;
    assert!(matches!(
        said(&issuers, "in-use", source(2)).await,
        Verification::Claims(_)
    ));
    attack.end().await;
}

/// An answer is renewed before it expires, without being prolonged.
#[tokio::test]
async fn a_token_in_use_is_renewed_before_its_answer_is_over() {
    let (server, issuers) = issuer(Duration::ZERO, "60s").await;
    let good = || said(&issuers, "in-use", source(1));
    assert!(matches!(good().await, Verification::Claims(_)));
    pass(seconds(39)).await;
    assert!(matches!(good().await, Verification::Claims(_)));
    assert_eq!(server.count(), 1);
    pass(seconds(2)).await;
    assert!(matches!(good().await, Verification::Claims(_)));
    let until = async |count| {
        while server.count() < count {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    until(2).await;
    // The new answer applies from now on.
    while server.count() < 3 {
        pass(seconds(41)).await;
        assert!(matches!(good().await, Verification::Claims(_)));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_revoked_token_is_good_for_no_longer_than_the_cache_says() {
    let (server, issuers) = issuer(Duration::ZERO, "60s").await;
    let good = || said(&issuers, "in-use", source(1));
    assert!(matches!(good().await, Verification::Claims(_)));
    // The issuer fails, and then revokes the token.
    server.now(500, BAD);
    pass(seconds(50)).await;
    assert!(matches!(good().await, Verification::Claims(_)));
    pass(seconds(11)).await;
    assert_eq!(good().await, Verification::Unavailable);
    server.now(200, BAD);
    server.but_for("nothing", GOOD);
    assert_eq!(good().await, Verification::No);
    // From then on it is unknown.
    assert_eq!(
        verify(&issuers, ACCOUNT, NAME, "in-use").await,
        Verification::No
    );
}
