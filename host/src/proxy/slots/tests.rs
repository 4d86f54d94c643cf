//! Which connection is evicted for which.

use std::net::Ipv4Addr;

use super::metrics::AllConnections;
use super::*;

fn slots(most: usize, per_peer: usize, exempt: &[&str]) -> Arc<Slots> {
    let limits = Limits {
        most,
        per_peer,
        exempt: exempt.iter().map(|net| net.parse().unwrap()).collect(),
    };
    Slots::new(limits, AllConnections::default().of("clients"))
}

fn peer(last: u8) -> IpAddr {
    Ipv4Addr::new(192, 0, 2, last).into()
}

fn gave_way(slot: &Slot) -> bool {
    slot.evicted.is_cancelled()
}

#[test]
fn the_oldest_idle_connection_of_the_same_peer_gives_way() {
    let slots = slots(10, 2, &[]);
    let other = slots.take(peer(2)).unwrap();
    let first = slots.take(peer(1)).unwrap();
    let second = slots.take(peer(1)).unwrap();
    let third = slots.take(peer(1)).unwrap();
    assert!(gave_way(&first) && !gave_way(&second) && !gave_way(&third) && !gave_way(&other));
    // Its request makes it the one that became idle last.
    drop(second.begin());
    let _fourth = slots.take(peer(1)).unwrap();
    assert!(gave_way(&third) && !gave_way(&second));
}

#[test]
fn a_request_that_is_worked_on_does_not_give_way() {
    let slots = slots(10, 1, &[]);
    let busy = slots.take(peer(1)).unwrap();
    let request = busy.begin();
    assert!(slots.take(peer(1)).is_none());
    let mut body = request.body();
    body.set(true);
    assert!(slots.take(peer(1)).is_some(), "it waits for its client");
    assert!(gave_way(&busy));
}

#[test]
fn an_upload_that_outlives_its_answer_hides_no_other_request() {
    let slots = slots(10, 1, &[]);
    let slot = slots.take(peer(1)).unwrap();
    let answered = slot.begin();
    let mut body = answered.body();
    body.set(true);
    drop(answered);
    let _other = slot.begin();
    assert!(slots.take(peer(1)).is_none());
}

#[test]
fn when_all_is_full_the_peer_with_most_idle_connections_gives_way() {
    let slots = slots(4, 3, &[]);
    let lone = slots.take(peer(1)).unwrap();
    let crowd: Vec<Slot> = (0..3).map(|_| slots.take(peer(2)).unwrap()).collect();
    let new = slots.take(peer(3)).unwrap();
    assert!(gave_way(&crowd[0]) && !gave_way(&lone) && !gave_way(&new));
}

#[test]
fn proxies_have_no_limit_of_their_own_and_a_network_of_ipv6_is_one_peer() {
    let slots = slots(4, 1, &["192.0.2.9/32"]);
    let behind: Vec<Slot> = (0..2).map(|_| slots.take(peer(9)).unwrap()).collect();
    assert!(!behind.iter().any(gave_way));
    let first = slots.take("2001:db8::1".parse().unwrap()).unwrap();
    let _second = slots.take("2001:db8::2".parse().unwrap()).unwrap();
    assert!(gave_way(&first));
    let mapped = slots.take("::ffff:192.0.2.1".parse().unwrap()).unwrap();
    let _same = slots.take(peer(1)).unwrap();
    assert!(gave_way(&mapped));
}

#[test]
fn nothing_is_left_of_connections_that_have_ended() {
    let slots = slots(3, 2, &[]);
    for round in 0..50_u8 {
        let slot = slots.take(peer(round % 5)).unwrap();
        let request = slot.begin();
        let mut body = request.body();
        body.set(round % 2 == 0);
        if round % 3 == 0 {
            drop(slot);
        } else {
            drop(request);
            drop(slot);
        }
    }
    let table = slots.table();
    assert!(table.open.is_empty() && table.peers.is_empty() && table.idle.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_over_after_its_limit_without_a_request() {
    let slots = slots(3, 3, &[]);
    let slot = slots.take(peer(1)).unwrap();
    let limit = Duration::from_secs(30);
    let started = Instant::now();
    let request = slot.begin();
    let over = slot.over(limit);
    tokio::pin!(over);
    let sooner = tokio::time::timeout(limit * 2, over.as_mut()).await;
    assert!(sooner.is_err(), "it has a request");
    drop(request);
    assert_eq!(over.await, Over::Idle);
    assert_eq!(started.elapsed(), limit * 3);
}
