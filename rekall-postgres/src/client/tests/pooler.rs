//! A pooler in between that gives each transaction another session of the server, as pgbouncer does.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use super::{impatient, number, start, text};
use crate::Error;
use crate::client::{Client, CopyRows, Mode, Settings};
use crate::schema;
use crate::testing::Server;

/// Sessions of the server that nobody uses now; the one that was used last is given last.
struct Sessions {
    socket: PathBuf,
    idle: Mutex<VecDeque<UnixStream>>,
    freed: Condvar,
}

impl Sessions {
    fn take(&self) -> UnixStream {
        let idle = self.idle.lock().unwrap();
        self.freed.wait_while(idle, |idle| idle.is_empty()).unwrap().pop_front().unwrap()
    }

    fn put(&self, session: UnixStream) {
        self.idle.lock().unwrap().push_back(session);
        self.freed.notify_one();
    }
}

/// Which session this is.
const OWN: &str = "SELECT pg_backend_pid()::bigint";

/// One message: its kind, and all of it.
fn message(stream: &mut impl Read) -> io::Result<(u8, Vec<u8>)> {
    let mut bytes = vec![0; 5];
    stream.read_exact(&mut bytes)?;
    let length = u32::from_be_bytes(bytes[1..5].try_into().unwrap()) as usize;
    bytes.resize(1 + length, 0);
    stream.read_exact(&mut bytes[5..])?;
    Ok((bytes[0], bytes))
}

/// What a connection begins with, which has no kind.
fn startup(stream: &mut impl Read) -> io::Result<u32> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut rest = vec![0; u32::from_be_bytes(length) as usize - 4];
    stream.read_exact(&mut rest)?;
    Ok(u32::from_be_bytes(rest[..4].try_into().unwrap()))
}

fn session(socket: &Path) -> UnixStream {
    let mut stream = UnixStream::connect(socket).unwrap();
    let mut body = 196_608_u32.to_be_bytes().to_vec();
    body.extend(b"user\0rekall\0database\0rekall\0client_encoding\0UTF8\0application_name\0pooled\0\0");
    stream.write_all(&u32::try_from(body.len() + 4).unwrap().to_be_bytes()).unwrap();
    stream.write_all(&body).unwrap();
    while message(&mut stream).unwrap().0 != b'Z' {}
    stream
}

/// A pooler with so many sessions; gives its port.
fn pooler(server: &Server, sessions: usize) -> u16 {
    let socket = server.socket_folder().join(format!(".s.PGSQL.{}", server.port()));
    let idle = (0..sessions).map(|_| session(&socket)).collect();
    let sessions = Arc::new(Sessions { socket, idle: Mutex::new(idle), freed: Condvar::new() });
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for client in listener.incoming() {
            let sessions = Arc::clone(&sessions);
            thread::spawn(move || {
                let mut held = None;
                let _ = serve(&mut client.unwrap(), &sessions, &mut held);
                // A client that leaves in the middle of a transaction takes the session along, and another one comes in its place.
                if held.take().is_some() {
                    sessions.put(session(&sessions.socket));
                }
            });
        }
    });
    port
}

fn serve(client: &mut TcpStream, sessions: &Sessions, held: &mut Option<UnixStream>) -> io::Result<()> {
    // A client that asks for encryption is told that there is none, and begins again.
    while startup(client)? != 196_608 {
        client.write_all(b"N")?;
    }
    client.write_all(b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I")?;
    loop {
        let (kind, bytes) = message(client)?;
        if kind == b'X' {
            return Ok(());
        }
        let server = held.get_or_insert_with(|| sessions.take());
        server.write_all(&bytes)?;
        if kind != b'Q' && kind != b'S' {
            continue;
        }
        loop {
            let (kind, bytes) = message(server)?;
            client.write_all(&bytes)?;
            if kind == b'G' {
                // The server waits for rows; the end of the statement is answered after them.
                break;
            }
            if kind == b'Z' {
                if bytes[5] == b'I'
                    && let Some(session) = held.take()
                {
                    sessions.put(session);
                }
                break;
            }
        }
    }
}

/// Copies two rows, also where the server refuses the statement or a row; the sessions of the pooler go on.
fn copy(client: &Client) {
    let columns = ["copied", "copied (there_is_no_such_column)", "copied", "copied", "copied"];
    for (sql, (second, fits)) in
        columns.into_iter().zip([(8, true), (8, false), (7, false), (8, true), (8, true)])
    {
        let (transaction, _) = client.begin(Mode::Write, &[], None).unwrap();
        transaction.batch("CREATE TEMP TABLE copied (a bigint PRIMARY KEY) ON COMMIT DROP").unwrap();
        let mut row = CopyRows::first(0);
        row.row(1).int(7);
        row.row(1).int(second);
        row.end();
        let mut rows = Some(row);
        let copied =
            transaction.copy_in(&format!("COPY {sql} FROM STDIN (FORMAT binary)"), || rows.take(), || false);
        if fits {
            assert_eq!(copied.unwrap(), 2);
            transaction.commit(None).unwrap();
        } else {
            copied.unwrap_err();
        }
    }
    for expected in 1..=6 {
        assert_eq!(number(client, &format!("SELECT {expected}::bigint")).unwrap(), expected);
    }
    assert_ne!(number(client, OWN).unwrap(), number(client, OWN).unwrap(), "sessions take turns");
}

#[test]
fn transactions_may_each_have_another_session() {
    let Some(server) = Server::start() else { return };
    let pooled = pooler(&server, 2);
    let url = server.memory_url().replace(&format!(":{}/", server.port()), &format!(":{pooled}/"));
    let client = start(&url, Settings { connections: 4, ..Settings::default() });
    schema::open(&client, schema::Access::Create).unwrap();
    assert_ne!(number(&client, OWN).unwrap(), number(&client, OWN).unwrap(), "sessions take turns");
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..25 {
                    let name = client.address().schema.clone();
                    let turn = [text(&name)];
                    let (transaction, _) = client.begin(Mode::Write, &[(schema::TURN, &turn)], None).unwrap();
                    let before: i64 = transaction.query_one("SELECT count(*) FROM meta", &[]).unwrap().get(0);
                    transaction.batch("INSERT INTO meta VALUES (gen_random_uuid(), NULL)").unwrap();
                    let after: i64 = transaction.query_one("SELECT count(*) FROM meta", &[]).unwrap().get(0);
                    assert_eq!(after, before + 1);
                    transaction.commit(None).unwrap();
                    number(&client, "SELECT count(*) FROM meta").unwrap();
                }
            });
        }
    });
    assert_eq!(number(&client, "SELECT count(*) FROM meta").unwrap(), 102);
    copy(&client);
    // Nothing was left behind in either session: no statement, no setting.
    for sql in [
        "SELECT count(*) FROM pg_prepared_statements",
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'",
    ] {
        assert_eq!((number(&client, sql).unwrap(), number(&client, sql).unwrap()), (0, 0), "{sql}");
    }
    let (mut raw, mut paths) = (TcpStream::connect(("127.0.0.1", pooled)).unwrap(), Vec::new());
    raw.write_all(b"\0\0\0\x08\0\x03\0\0").unwrap();
    while message(&mut raw).unwrap().0 != b'Z' {}
    for _ in 0..2 {
        raw.write_all(b"Q\0\0\0\x15SHOW search_path\0").unwrap();
        loop {
            match message(&mut raw).unwrap() {
                (b'D', row) => paths.push(String::from_utf8_lossy(&row[11..]).into_owned()),
                (b'Z', _) => break,
                _ => {}
            }
        }
    }
    assert_eq!(paths, ["\"$user\", public"; 2]);
}

#[test]
fn a_lock_of_another_client_of_the_pooler_is_waited_for() {
    let Some(server) = Server::start() else { return };
    let url =
        server.memory_url().replace(&format!(":{}/", server.port()), &format!(":{}/", pooler(&server, 2)));
    let client = start(&url, impatient());
    schema::open(&client, schema::Access::Create).unwrap();
    let name = client.address().schema.clone();
    let turn = [text(&name)];
    let (held, _) = client.begin(Mode::Write, &[(schema::TURN, &turn)], None).unwrap();
    let busy = client.begin(Mode::Write, &[(schema::TURN, &turn)], None).unwrap_err();
    assert!(matches!(busy, Error::Busy { .. }), "{busy:?}");
    held.commit(None).unwrap();
    let (again, _) = client.begin(Mode::Write, &[(schema::TURN, &turn)], None).unwrap();
    again.commit(None).unwrap();
}
