//! Commits, confirmed and not.

use super::proxy::{Cut, Proxy};
use super::{start, text};
use rekall_core::engine::random_name;

use crate::Error;
use crate::client::{Client, Mode, Settings, Transaction, Witness};
use crate::schema;
use crate::testing::Server;

const COMMIT: &[u8] = b"COMMIT\0";

/// A memory of its own, and a client that reaches it through a proxy.
fn through_proxy(server: &Server, cut: Cut, heals: bool) -> (Client, Client, Proxy) {
    let url = format!("{}&connect_timeout=2", server.memory_url());
    let direct = start(&url, Settings::default());
    schema::open(&direct, schema::Access::Create).unwrap();
    let proxy = Proxy::start(server.port(), cut, heals);
    let url = url.replace(&format!(":{}/", server.port()), &format!(":{}/", proxy.port));
    // One connection: whoever asks later does so in the place of the lost one.
    let client = start(&url, Settings { connections: 1, ..Settings::default() });
    (direct, client, proxy)
}

fn begin(client: &Client) -> (Transaction, Witness) {
    let (token, name) = (random_name().unwrap(), client.address().schema.clone());
    let (name, token_of) = ([text(&name)], [text(&token)]);
    let statements = [(schema::TURN, &name[..]), ("SELECT note_writer($1)", &token_of[..])];
    let (transaction, rows) = client.begin(Mode::Write, &statements, None).unwrap();
    (transaction, Witness { server: rows[1][0].get(0), token })
}

fn note(transaction: &Transaction, key: &str) {
    let key = key.to_owned();
    transaction.execute("INSERT INTO meta VALUES ($1, NULL)", &[text(&key)]).unwrap();
}

fn has(client: &Client, key: &str) -> bool {
    let key = key.to_owned();
    let (transaction, _) = client.begin(Mode::Read, &[], None).unwrap();
    !transaction.query("SELECT FROM meta WHERE key = $1", &[text(&key)]).unwrap().is_empty()
}

#[test]
fn a_commit_that_happened_unseen_is_found_out() {
    let Some(server) = Server::shared() else { return };
    let (direct, client, proxy) = through_proxy(server, Cut::After(COMMIT), true);
    let (transaction, witness) = begin(&client);
    note(&transaction, "unseen");
    transaction.commit(Some(&witness)).unwrap();
    assert!(proxy.was_cut() && has(&direct, "unseen") && has(&client, "unseen"));
}

#[test]
fn a_commit_that_never_arrived_is_an_error_and_undone() {
    let Some(server) = Server::shared() else { return };
    let (direct, client, proxy) = through_proxy(server, Cut::Before(COMMIT), true);
    let (transaction, witness) = begin(&client);
    note(&transaction, "lost");
    let error = transaction.commit(Some(&witness)).unwrap_err();
    assert!(matches!(error, Error::ConnectionLost { .. }), "{error}");
    assert!(proxy.was_cut() && !has(&direct, "lost"));
    let (transaction, witness) = begin(&client);
    note(&transaction, "again");
    transaction.commit(Some(&witness)).unwrap();
    assert!(has(&direct, "again"), "the next one is none the worse");
}

#[test]
fn a_commit_that_nobody_can_be_asked_about_is_said_to_be_one() {
    let Some(server) = Server::shared() else { return };
    let (direct, client, proxy) = through_proxy(server, Cut::After(COMMIT), false);
    let (transaction, witness) = begin(&client);
    note(&transaction, "unknown");
    let error = transaction.commit(Some(&witness)).unwrap_err();
    assert!(matches!(error, Error::CommitUnknown { .. }), "{error}");
    assert!(proxy.was_cut() && has(&direct, "unknown"), "here it did happen");
}

#[test]
fn another_server_is_believed_what_it_has_and_not_what_it_lacks() {
    let Some(server) = Server::shared() else { return };
    for cut in [Cut::After(COMMIT), Cut::Before(COMMIT)] {
        let happens = matches!(cut, Cut::After(_));
        let (_, client, _) = through_proxy(server, cut, true);
        let (transaction, mut witness) = begin(&client);
        note(&transaction, "elsewhere");
        witness.server = "another".to_owned();
        match transaction.commit(Some(&witness)) {
            Ok(()) => assert!(happens),
            Err(error) => assert!(!happens && matches!(error, Error::CommitUnknown { .. }), "{error}"),
        }
    }
}

#[test]
fn a_connection_that_breaks_before_the_commit_undoes_all() {
    let Some(server) = Server::shared() else { return };
    let (direct, client, _) = through_proxy(server, Cut::Before(b"'second'"), true);
    let (transaction, witness) = begin(&client);
    note(&transaction, "first");
    let error = transaction.batch("INSERT INTO meta VALUES ('second', NULL)").unwrap_err();
    assert!(matches!(error, Error::ConnectionLost { .. }), "{error}");
    let error = transaction.commit(Some(&witness)).unwrap_err();
    assert!(matches!(error, Error::Aborted { .. }), "{error}");
    assert!(!has(&direct, "first"));
}

#[test]
fn a_transaction_in_which_a_statement_failed_is_not_taken_for_a_success() {
    let Some(server) = Server::shared() else { return };
    let client = start(&server.memory_url(), Settings::default());
    schema::open(&client, schema::Access::Create).unwrap();
    let (transaction, _) = begin(&client);
    note(&transaction, "before");
    transaction.batch("SELECT 1/0").unwrap_err();
    let error = transaction.commit(None).unwrap_err();
    assert!(matches!(error, Error::Aborted { .. }), "{error}");
    assert!(error.to_string().contains("division by zero"), "{error}");
    assert!(!has(&client, "before"));
    assert_eq!(client.connections(), (1, 1), "the connection is as good as before");
}
