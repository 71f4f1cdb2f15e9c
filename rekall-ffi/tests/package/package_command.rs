//! `cargo xtask package` itself, run as a packager does: into a folder for the libraries that the system names, for a triple,
//! below `DESTDIR`, with debug symbols apart.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::toolchain::{self, answers, show, skip};
use crate::tree::{built, folder};

/// The command, in a target folder of its own: this test's is built without its flags. Not optimized: what is looked at here
/// does not depend on it, and it is a matter of minutes otherwise.
fn package(arguments: &[&str]) -> Command {
    let mut command = Command::new(env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()));
    command.args(["run", "--quiet", "--package", "xtask", "--", "package"]).args(arguments);
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    command.env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("command"));
    for (setting, value) in [("LTO", "off"), ("OPT_LEVEL", "0"), ("CODEGEN_UNITS", "16")] {
        command.env(format!("CARGO_PROFILE_RELEASE_{setting}"), value);
    }
    command
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What a tool says of a file.
fn told(tool: &str, arguments: &[&str], file: &Path) -> String {
    let Output { stdout, .. } = toolchain::run(Command::new(tool).args(arguments).arg(file));
    String::from_utf8_lossy(&stdout).into_owned()
}

/// The folders of this machine that nobody else has to know.
fn private() -> Vec<PathBuf> {
    let home = PathBuf::from(env::var("HOME").unwrap_or_else(|_| "/nowhere".to_owned()));
    let cargo = env::var("CARGO_HOME").map_or_else(|_| home.join(".cargo"), PathBuf::from);
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned();
    vec![home, cargo, checkout, PathBuf::from(env!("CARGO_TARGET_TMPDIR"))]
}

const PROGRAM: &str = r#"
#include <rekall.h>

int main(void)
{
    rekall_db *db = NULL;
    rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
    rekall_status status;
    options.flags = REKALL_OPEN_NO_MODEL;
    status = rekall_open("memory.db", &options, &db, NULL);
    rekall_close(db);
    return status;
}
"#;

#[test]
fn a_packager_gets_a_whole_tree_where_it_was_asked_for() {
    let triple = built().system.triple;
    let place = folder("command");
    let features = "bundled-sqlite,sqlite-vec";
    let mut command = package(&["--prefix=/usr", "--libdir", "lib/multi-arch", "--target", &triple]);
    command.args(["--debug-symbols", "--no-default-features", "--features", features]);
    // As distributions set them: a tool with its first words, and flags for the linker.
    command.env("CC", "cc -pipe").env("LDFLAGS", "-Wl,-z,nodump");
    let output = toolchain::run(command.env("DESTDIR", place.join("image")));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if cfg!(target_env = "gnu") {
        assert!(said.contains("needs glibc 2."), "{said}");
    }
    let usr = place.join("image/usr");
    let lib = usr.join("lib/multi-arch");
    let shared = lib.join(concat!("librekall.so.", env!("CARGO_PKG_VERSION")));
    let symbols = lib.join(concat!("librekall.so.", env!("CARGO_PKG_VERSION"), ".debug"));
    assert_eq!(fs::read_dir(place.join("image")).unwrap().count(), 1);
    assert_eq!(fs::read_dir(usr.join("lib")).unwrap().count(), 1);
    assert!(
        usr.join("include/rekall.h").is_file() && usr.join("share/licenses/rekall/THIRD-PARTY.txt").is_file()
    );

    for file in [&shared, &symbols, &lib.join("librekall.a")] {
        let bytes = read(file);
        for folder in private() {
            let needle = format!("{}/", folder.display()).into_bytes();
            let at = bytes.windows(needle.len()).position(|window| window == needle);
            let shown =
                at.map(|at| String::from_utf8_lossy(&bytes[at..(at + 100).min(bytes.len())]).into_owned());
            assert_eq!(shown, None, "{}", file.display());
        }
    }
    assert!(
        read(&symbols).windows(7).any(|window| window == b"/rekall"),
        "they have the other names instead"
    );

    if answers("readelf") {
        assert!(told("readelf", &["-dW"], &shared).contains("NODUMP"));
        let sections = told("readelf", &["-SW"], &shared);
        assert!(sections.contains(".gnu_debuglink") && !sections.contains(".debug_line"), "{sections}");
        let apart = told("readelf", &["-SW"], &symbols);
        assert!(apart.contains(".debug_line") && apart.contains(".symtab"), "{apart}");
        let id = |file: &Path| {
            let notes = told("readelf", &["-n"], file);
            notes.lines().find(|line| line.contains("Build ID:")).map(str::to_owned)
        };
        assert!(id(&shared).is_some() && id(&shared) == id(&symbols));
    } else {
        skip("readelf");
    }
    works_where_it_is_moved_to(&usr, &place.join("moved"));
}

/// Compiles and runs a program with pkg-config, after the tree went somewhere else.
fn works_where_it_is_moved_to(tree: &Path, place: &Path) {
    fs::rename(tree, place).unwrap();
    let lib = place.join("lib/multi-arch");
    if !answers("pkg-config") {
        return skip("pkg-config");
    }
    let config = |arguments: &[&str]| {
        let mut command = Command::new("pkg-config");
        command.args(arguments).arg("rekall").env("PKG_CONFIG_PATH", lib.join("pkgconfig"));
        let output = toolchain::run(&mut command);
        String::from_utf8(output.stdout).unwrap().split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    fs::write(place.join("program.c"), PROGRAM).unwrap();
    for flags in [
        config(&["--cflags", "--libs"]),
        [config(&["--cflags"]), config(&["--variable=static_libs"])].concat(),
    ] {
        let mut command = Command::new("cc");
        command.arg(place.join("program.c")).args(&flags).arg(format!("-Wl,-rpath,{}", lib.display()));
        toolchain::run(command.arg("-o").arg(place.join("program")));
        toolchain::run(Command::new(place.join("program")).current_dir(place));
    }
}

#[test]
fn what_cannot_be_packaged_is_refused_in_words() {
    for (arguments, words) in [
        (&["--target", "vax-dec-vms"][..], "Rust knows no system vax-dec-vms"),
        (
            &["--target", "mips-unknown-linux-gnu"][..],
            "Rust's standard library for mips-unknown-linux-gnu is not installed",
        ),
        (&["--prefix", "/usr", "--libdir", "/opt/lib"][..], "--libdir is a folder below the prefix"),
    ] {
        let mut command = package(arguments);
        let output = command.env("DESTDIR", folder(words)).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(words), "{}", show(&command, &output));
    }
}
