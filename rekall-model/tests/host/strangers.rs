//! Those who are no users of the model: they get nothing, and keep nobody from an answer.

use std::io::{Read, Write};
#[cfg(unix)]
use std::os::unix::net::UnixListener;

use crate::process::{Kind, Scene, User, fingerprint};
use crate::wire::{Wire, connect};

#[cfg(unix)]
#[test]
fn what_is_no_host_is_not_believed() {
    let scene = Scene::of(Kind::Vectors);
    let expected = scene.expected();
    let mut user = User::start(&scene);
    assert!(user.holds());
    let socket = scene.socket();
    user.leave();
    let long = [u32::MAX.to_le_bytes().as_slice(), &[65]].concat();
    let other_model = [&20_u32.to_le_bytes()[..], &[65], b"rekall-1\x02\0\0\0\0\0\0\0\x01\0\0\0"].concat();
    let other_kind = [&0_u32.to_le_bytes()[..], &[67]].concat();
    for wrong in [&b"HTTP/1.1 200 OK\r\n\r\n"[..], &long, &other_model, &other_kind] {
        let listener = UnixListener::bind(&socket).unwrap();
        let wrong = wrong.to_owned();
        let impostor = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(&wrong).unwrap();
            // Until the other side has had enough.
            drop(stream.read_to_end(&mut Vec::new()));
        });
        let mut user = User::start(&scene);
        assert!(user.holds(), "it has the model for itself");
        impostor.join().unwrap();
        assert_eq!(user.asked("say"), expected);
        user.leave();
        std::fs::remove_file(&socket).unwrap();
    }
}

#[test]
fn a_host_outlives_what_is_no_client() {
    let scene = Scene::of(Kind::Vectors);
    let expected = scene.expected();
    let mut host = User::start(&scene);
    assert!(host.holds());
    let fingerprint = fingerprint();
    let frame = |kind: u8, body: &[u8]| {
        [&u32::try_from(body.len()).unwrap().to_le_bytes()[..], &[kind], body].concat()
    };
    let number = |number: u64| number.to_le_bytes();
    let length = number(fingerprint.len() as u64);
    let hello = |version: u64| {
        frame(1, &[&b"rekall-1"[..], &number(version), &length, fingerprint.as_bytes()].concat())
    };
    let greeted = |question: &[u8]| [&hello(2)[..], question].concat();
    let wrong = [
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        hello(1),
        frame(1, b"short"),
        frame(2, &number(0)),
        [u32::MAX.to_le_bytes().as_slice(), &[1]].concat(),
        greeted(&frame(9, b"")),
        // What is asked of a reranker.
        greeted(&frame(6, &[number(0), number(0)].concat())),
        // More texts than a question may have, a length beyond its end, no UTF-8, more than its end.
        greeted(&frame(2, &number(5_000))),
        greeted(&frame(3, &number(u64::MAX))),
        greeted(&frame(3, &[&number(2)[..], &[0xff, 0xfe]].concat())),
        greeted(&frame(4, &[&number(1)[..], b"ab"].concat())),
        greeted(&[u32::MAX.to_le_bytes().as_slice(), &[2]].concat()),
    ];
    for bytes in &wrong {
        let mut stream = connect(&scene.socket());
        stream.write_all(bytes).unwrap();
        // The host ends the connection, after a welcome at most.
        let mut heard = Vec::new();
        drop(stream.read_to_end(&mut heard));
        assert!(heard.len() < 1_000);
    }
    // One that goes away in the middle of a question.
    drop(connect(&scene.socket()).write_all(&greeted(&[9, 0, 0])));
    let mut user = User::start(&scene);
    assert_eq!((user.holds(), user.asked("say")), (false, expected));
}

#[cfg(unix)]
#[test]
fn a_folder_that_others_can_write_is_not_used() {
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    let scene = Scene::of(Kind::Vectors);
    std::fs::create_dir(scene.folder()).unwrap();
    std::fs::set_permissions(scene.folder(), PermissionsExt::from_mode(0o777)).unwrap();
    let (mut one, mut two) = (User::start(&scene), User::start(&scene));
    assert!(one.holds() && two.holds());
    assert_eq!(one.asked("say"), two.asked("say"));
    assert!(Path::read_dir(&scene.folder()).unwrap().next().is_none());
}

#[cfg(unix)]
#[test]
fn a_host_that_ends_while_it_loads_is_replaced() {
    for scene in Scene::of_each_kind() {
        let mut user = User::start(&scene);
        assert!(user.holds());
        let socket = scene.socket();
        user.leave();
        let listener = UnixListener::bind(&socket).unwrap();
        let loading = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            for _ in 0..3 {
                stream.write_all(&[0, 0, 0, 0, 69]).unwrap();
            }
        });
        let mut user = User::start(&scene);
        assert!(user.holds());
        loading.join().unwrap();
        assert!(!User::start(&scene).holds(), "it is the host");
    }
}

#[test]
fn a_full_host_is_done_without() {
    let scene = Scene::of(Kind::Vectors);
    let expected = scene.expected();
    let (mut host, mut other) = (User::start(&scene), User::start(&scene));
    assert!(host.holds() && !other.holds());
    let connections: Vec<Wire> = (0..300).map(|_| connect(&scene.socket())).collect();
    // It is told at once, and who has a connection keeps it.
    let mut told = [0; 5];
    (&connections[299]).read_exact(&mut told).unwrap();
    assert_eq!(told, [0, 0, 0, 0, 70]);
    let mut late = User::start(&scene);
    assert_eq!((late.holds(), late.asked("say")), (true, expected.clone()));
    assert_eq!((other.asked("say"), other.holds()), (expected, false));
}
