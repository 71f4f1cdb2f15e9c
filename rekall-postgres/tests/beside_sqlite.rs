//! The same calls on a file and on a server give the same answers.
#![cfg(unix)]

mod beside;

use rekall_postgres::testing::Server;

use beside::{Pair, Random};

/// Random transactions on both, and after each of them the same questions to both.
#[test]
fn random_transactions_leave_both_alike() {
    let Some(server) = Server::shared() else { return };
    for seed in 1..=4 {
        println!("seed {seed}");
        let mut random = Random(seed);
        let mut pair = Pair::open(server);
        for _ in 0..40 {
            pair.transact(&mut random);
            (0..2).for_each(|_| pair.compare(&mut random));
        }
        assert!(pair.compared > 3_000, "{} answers were compared", pair.compared);
    }
}

/// Enough for segments that are merged, with changes and removals in between.
#[test]
fn words_are_found_alike_whatever_became_of_the_segments() {
    let Some(server) = Server::shared() else { return };
    let mut random = Random(11);
    let mut pair = Pair::open(server);
    for _ in 0..20 {
        pair.write_many(&mut random, 270);
        pair.compare_words(&mut random, 12);
    }
    pair.server.rebuild_words().unwrap();
    pair.compare_words(&mut random, 40);
    assert!(pair.compared > 100, "{} searches found something", pair.compared);
}
