//! The same bits as without a host, and an answer whatever becomes of it.

use crate::process::{Scene, User};

#[test]
fn the_first_process_has_the_model_for_all_with_the_same_bits() {
    for scene in Scene::of_each_kind() {
        let expected = scene.expected();
        let mut users = [User::start(&scene), User::start(&scene), User::start(&scene)];
        assert_eq!(users.each_mut().map(User::holds), [true, false, false]);
        // All at the same time.
        users.iter_mut().for_each(|user| user.tell("say"));
        assert_eq!(users.each_mut().map(User::hear), [(); 3].map(|()| expected.clone()));
        let [mut host, mut second, mut third] = users;
        // A call that is stopped ends, and leaves the connection's owner as it was; one that is done is not lost.
        assert_eq!(second.asked("say a little"), host.asked("say a little"));
        assert!(second.asked("say a little").starts_with("cancelled after "));
        assert_eq!(second.asked("say all but the last"), scene.expected_much());
        assert_eq!(second.asked("say"), expected);
        let socket = scene.socket();
        #[cfg(unix)]
        assert!(std::os::unix::fs::FileTypeExt::is_socket(&socket.metadata().unwrap().file_type()));
        // The host leaves; the next call of another process takes its place.
        host.leave();
        assert!(!socket.exists());
        assert_eq!(second.asked("say"), expected);
        assert_eq!((second.holds(), third.asked("say"), third.holds()), (true, expected, false));
        third.leave();
        second.leave();
        assert!(scene.files("socket").is_empty(), "the last one has gone");
    }
}

#[test]
fn a_killed_host_costs_a_retry_and_no_answer() {
    for scene in Scene::of_each_kind() {
        let (expected, much) = (scene.expected(), scene.expected_much());
        let mut host = User::start(&scene);
        assert!(host.holds());
        for _ in 0..3 {
            let (mut next, mut other) = (User::start(&scene), User::start(&scene));
            assert!(!next.holds() && !other.holds());
            // It is killed in the middle of its answer, and its socket stays.
            assert_eq!(next.asked("say slowly"), "begun");
            host.kill();
            assert!(scene.socket().exists());
            next.tell("go on");
            assert_eq!(next.hear(), much);
            assert!(next.holds());
            // Between calls the connection that it kept is broken.
            assert_eq!(other.asked("say"), expected);
            assert!(!other.holds());
            host = next;
        }
    }
}

#[cfg(unix)]
#[test]
fn a_stopped_host_is_done_without() {
    for scene in Scene::of_each_kind() {
        let expected = scene.expected();
        let (mut host, mut other) = (User::start(&scene), User::start(&scene));
        assert!(host.holds() && !other.holds());
        // It keeps its lock and its socket, and says nothing.
        host.signal("STOP");
        assert_eq!((other.asked("say"), other.holds()), (expected.clone(), true));
        let mut late = User::start(&scene);
        assert_eq!((late.holds(), late.asked("say")), (true, expected.clone()));
        host.signal("CONT");
        assert_eq!((host.asked("say"), User::start(&scene).holds()), (expected, false));
    }
}

#[test]
fn many_that_begin_at_once_have_one_host() {
    for scene in Scene::of_each_kind() {
        let mut users: Vec<User> = (0..6).map(|_| User::start(&scene)).collect();
        users.iter_mut().for_each(|user| user.tell("load"));
        let holders = users.iter_mut().map(User::hear).filter(|answer| answer == "holds true").count();
        assert_eq!(holders, 1);
    }
}

#[test]
fn a_model_is_idle_when_no_process_uses_it() {
    for scene in Scene::of_each_kind() {
        let (mut host, mut other) = (User::start(&scene), User::start(&scene));
        assert!(host.holds() && !other.holds());
        assert_eq!(host.asked("note the deadline"), "true");
        // Another process uses it, so that the host keeps it beyond its own time.
        let said = other.asked("say");
        assert_eq!(host.asked("unload if idle then"), "false, later true");
        assert_eq!(host.asked("note the deadline"), "true");
        assert_eq!(host.asked("unload if idle then"), "true, later false");
        assert!(scene.files("socket").is_empty());
        assert_eq!((other.asked("say"), other.holds(), host.holds()), (said, true, false));
        // One that lets it go while it is used elsewhere costs the others a retry.
        assert_eq!(other.asked("unload"), "true");
        assert_eq!((host.asked("say"), host.holds()), (other.asked("say"), true));
    }
}
