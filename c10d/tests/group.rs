//! Two and three ranks, each a thread with a group of its own: c10d does not care whether they share a process.

use std::{net::TcpListener, sync::Barrier, thread, time::Duration};

use c10d::{Group, Role, Store};
use tch::{Kind, Tensor};

const TIMEOUT: Duration = Duration::from_secs(30);

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// What `rank` returns on each of `size` ranks.
fn on_ranks<T: Send + 'static>(size: usize, rank: fn(usize, &Store, Group) -> T) -> Vec<T> {
    let port = free_port();
    let start = move |number: usize| {
        let role = if number == 0 { Role::Server } else { Role::Client };
        let store = Store::connect("127.0.0.1", port, role, TIMEOUT).unwrap();
        let group = Group::gloo(&store.prefixed("test").unwrap(), number, size, TIMEOUT).unwrap();
        // The server's store must outlive its clients.
        (rank(number, &store, group), store)
    };
    let ranks: Vec<_> = (0..size).map(|number| thread::spawn(move || start(number))).collect();
    let done: Vec<(T, Store)> = ranks.into_iter().map(|rank| rank.join().unwrap()).collect();
    done.into_iter().map(|(result, _)| result).collect()
}

fn values(tensor: &Tensor) -> Vec<f32> {
    Vec::try_from(tensor).unwrap()
}

#[test]
fn broadcast_gives_all_ranks_what_the_root_has() {
    let got = on_ranks(3, |rank, _, group| {
        let tensor = Tensor::from_slice(&[rank as f32, 7.5]);
        group.broadcast(&tensor, 1).unwrap();
        values(&tensor)
    });
    assert_eq!(got, [[1.0, 7.5]; 3]);
}

#[test]
fn sums_are_over_all_ranks() {
    let got = on_ranks(3, |rank, _, group| {
        let all = Tensor::from_slice(&[rank as f32, 10.0]);
        group.all_reduce(&all).unwrap();
        let each = Tensor::from_slice(&[1.0, 2.0, 3.0].map(|place: f32| place * (rank + 1) as f32));
        let own = Tensor::zeros([1], (Kind::Float, tch::Device::Cpu));
        group.reduce_scatter(&own, &each).unwrap();
        (values(&all), values(&own))
    });
    // 1 + 2 + 3 = 6 times the place.
    assert_eq!(got, [6.0, 12.0, 18.0].map(|own| (vec![3.0, 30.0], vec![own])));
}

#[test]
fn gathering_keeps_the_order_of_the_ranks_and_every_byte() {
    let got = on_ranks(2, |rank, _, group| {
        let bytes = Tensor::from_slice(&[rank as u8, 255]);
        let all = Tensor::zeros([4], (Kind::Uint8, tch::Device::Cpu));
        group.all_gather(&all, &bytes).unwrap();
        Vec::<u8>::try_from(&all).unwrap()
    });
    assert_eq!(got, [[0, 255, 1, 255]; 2]);
}

/// libtorch keeps a list of the groups of a process, into which the first collective of each writes.
#[test]
fn groups_of_one_process_may_start_at_once() {
    const THREADS: usize = 8;
    let store = Store::connect("127.0.0.1", free_port(), Role::Server, TIMEOUT).unwrap();
    let meet = Barrier::new(THREADS);
    let alone = |thread: usize| {
        let make = |round: usize| {
            let store = store.prefixed(&format!("{thread}/{round}")).unwrap();
            Group::gloo(&store, 0, 1, TIMEOUT).unwrap()
        };
        let groups: Vec<Group> = (0..40).map(make).collect();
        for group in groups {
            meet.wait();
            let tensor = Tensor::from_slice(&[thread as f32]);
            group.all_reduce(&tensor).unwrap();
            assert_eq!(values(&tensor), [thread as f32]);
        }
    };
    thread::scope(|scope| (0..THREADS).for_each(|thread| drop(scope.spawn(move || alone(thread)))));
}

/// Rank 1 has nothing to send; of the others' three elements rank 0 gets two and rank 1 one.
#[test]
fn parts_of_any_length_go_from_each_rank_to_each() {
    let got = on_ranks(3, |rank, _, group| {
        let sends = |rank: usize| if rank == 1 { [0, 0, 0] } else { [2, 1, 0] };
        let from: Vec<f32> = (0..sends(rank).iter().sum::<i64>()).map(|i| (10 * rank) as f32 + i as f32).collect();
        let counts: Vec<i64> = (0..3).map(|other| sends(other)[rank]).collect();
        let into = Tensor::zeros([counts.iter().sum::<i64>()], (Kind::BFloat16, tch::Device::Cpu));
        let from = Tensor::from_slice(&from).to_kind(Kind::BFloat16);
        group.all_to_all((&into, &counts), (&from, &sends(rank))).unwrap();
        values(&into.to_kind(Kind::Float))
    });
    assert_eq!(got, [vec![0.0, 1.0, 20.0, 21.0], vec![2.0, 22.0], vec![]]);
}

#[test]
fn a_rank_that_is_gone_is_an_error_with_a_message() {
    let got = on_ranks(2, |rank, _, group| {
        if rank == 1 {
            return String::new();
        }
        group.barrier().unwrap_err().to_string()
    });
    assert!(got[0].contains("gloo") || got[0].contains("closed"), "{got:?}");
}

#[test]
fn a_rank_that_does_not_come_is_an_error_after_the_timeout() {
    let server = Store::connect("127.0.0.1", free_port(), Role::Server, TIMEOUT).unwrap();
    let error = Group::gloo(&server, 0, 2, Duration::from_millis(200)).err().expect("nobody else comes");
    assert!(!error.to_string().is_empty());
    let error = server.get("missing", Duration::from_millis(200)).unwrap_err().to_string();
    assert!(error.contains("timeout"), "{error}");
}

#[test]
fn values_of_the_store_cross_as_they_are() {
    let got = on_ranks(2, |rank, store, _group| {
        if rank == 1 {
            store.set("key", &[0, 255, 0]).unwrap();
        }
        let value = store.get("key", TIMEOUT).unwrap();
        (value, store.has("key").unwrap(), store.has("other").unwrap())
    });
    assert_eq!(got, [(vec![0, 255, 0], true, false), (vec![0, 255, 0], true, false)]);
}

/// With GPUs it is a group of one.
#[test]
fn without_gpus_nccl_says_what_is_missing() {
    let server = Store::connect("127.0.0.1", free_port(), Role::Server, TIMEOUT).unwrap();
    if let Err(error) = Group::nccl(&server, 0, 1, TIMEOUT) {
        let error = error.to_string();
        assert!(error.contains("make cuda") || error.contains("no GPUs found"), "{error}");
    }
}
