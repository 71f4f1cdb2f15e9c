//! Encryption, on a server that the test gives it: the one of the package was built without.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::{number, start};
use crate::Error;
use crate::client::{Client, Settings};
use crate::testing::Server;
use crate::url::Address;

fn data(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/tls").join(name)
}

/// Encrypts what goes to and from a server, and counts those who wanted that.
struct Encrypting {
    port: u16,
    sessions: Arc<AtomicUsize>,
}

impl Encrypting {
    fn start(server: u16) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let listener = runtime.block_on(TcpListener::bind(local(0))).unwrap();
        let port = listener.local_addr().unwrap().port();
        let sessions = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&sessions);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let certificates =
            CertificateDer::pem_file_iter(data("server.pem")).unwrap().map(Result::unwrap).collect();
        let key = PrivateKeyDer::from_pem_file(data("server.key")).unwrap();
        let config =
            ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_no_client_auth().with_single_cert(certificates, key).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        thread::spawn(move || {
            runtime.block_on(async {
                loop {
                    let (mut client, _) = listener.accept().await.unwrap();
                    let (acceptor, counted) = (acceptor.clone(), Arc::clone(&counted));
                    tokio::spawn(async move {
                        // The question whether encryption is wanted, of eight bytes, and the answer.
                        let mut asked = [0; 8];
                        client.read_exact(&mut asked).await.ok()?;
                        client.write_all(b"S").await.ok()?;
                        let mut client = acceptor.accept(client).await.ok()?;
                        counted.fetch_add(1, Ordering::SeqCst);
                        let mut server = TcpStream::connect(local(server)).await.ok()?;
                        copy_bidirectional(&mut client, &mut server).await.ok()
                    });
                }
            });
        });
        Self { port, sessions }
    }

    fn client(&self, server: &Server, host: &str, parameters: &str) -> Result<Client, Error> {
        let url = server
            .memory_url()
            .replace(&format!("127.0.0.1:{}", server.port()), &format!("{host}:{}", self.port));
        Client::start(Address::parse(&format!("{url}&{parameters}"))?, Settings::default())
    }
}

#[test]
fn each_mode_asks_for_what_it_says() {
    let Some(server) = Server::shared() else { return };
    let encrypting = Encrypting::start(server.port());
    let [ours, other] =
        ["authority.pem", "other.pem"].map(|name| format!("sslrootcert={}", data(name).display()));
    let mut encrypted = 0;
    for (host, parameters, refused) in [
        ("127.0.0.1", "sslmode=prefer".to_owned(), None),
        ("127.0.0.1", "sslmode=require".to_owned(), None),
        ("127.0.0.1", format!("sslmode=require&{ours}"), None),
        ("127.0.0.1", format!("sslmode=require&{other}"), Some("UnknownIssuer")),
        ("127.0.0.1", format!("sslmode=verify-ca&{ours}"), None),
        ("127.0.0.1", format!("sslmode=verify-ca&{other}"), Some("UnknownIssuer")),
        ("localhost", format!("sslmode=verify-full&{ours}"), None),
        ("127.0.0.1", format!("sslmode=verify-full&{ours}"), Some("not valid for name")),
        ("localhost", format!("sslmode=verify-full&{other}"), Some("UnknownIssuer")),
        ("localhost", "sslmode=verify-full".to_owned(), Some("UnknownIssuer")),
        ("localhost", "sslmode=verify-ca".to_owned(), Some("UnknownIssuer")),
    ] {
        let client = encrypting.client(server, host, &parameters).unwrap();
        match (number(&client, "SELECT 7::bigint"), refused) {
            (Ok(answer), None) => {
                encrypted += 1;
                assert_eq!(answer, 7);
            }
            (Err(error @ Error::Unreachable { .. }), Some(reason)) => {
                assert!(error.to_string().contains(reason), "{host} {parameters}: {error}");
            }
            (answer, _) => panic!("{host} {parameters}: {answer:?}"),
        }
        assert_eq!(encrypting.sessions.load(Ordering::SeqCst), encrypted, "{host} {parameters}");
    }
}

#[test]
fn a_server_without_encryption_serves_those_who_do_not_insist() {
    let Some(server) = Server::shared() else { return };
    for mode in ["disable", "prefer"] {
        let client = start(&format!("{}&sslmode={mode}", server.memory_url()), Settings::default());
        assert_eq!(number(&client, "SELECT 7::bigint").unwrap(), 7);
    }
    for mode in ["require", "verify-ca", "verify-full"] {
        let client = start(&format!("{}&sslmode={mode}", server.memory_url()), Settings::default());
        let error = number(&client, "SELECT 7::bigint").unwrap_err();
        assert!(error.to_string().contains("does not support TLS"), "{mode}: {error}");
    }
}

#[test]
fn authorities_that_cannot_be_read_are_an_error_at_once() {
    let Some(server) = Server::shared() else { return };
    let encrypting = Encrypting::start(server.port());
    for name in ["none.pem", "make.sh"] {
        let parameters = format!("sslmode=verify-full&sslrootcert={}", data(name).display());
        let error = encrypting.client(server, "localhost", &parameters).unwrap_err();
        assert!(matches!(error, Error::Tls { .. }) && error.to_string().contains(name), "{error}");
    }
}
