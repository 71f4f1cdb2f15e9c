//! Whoever hands the library on has the licenses of all that is in it.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use crate::toolchain;
use crate::tree::{built, prefix};

#[test]
fn every_package_in_the_library_is_named() {
    let text = fs::read_to_string(prefix().join("share/licenses/rekall/THIRD-PARTY.txt")).unwrap();
    let mut tree = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()));
    tree.args(["tree", "--package", "rekall-ffi", "--edges", "normal", "--prefix", "none"]);
    tree.args(["--format", "{p}|{l}"]).args(built().features).current_dir(env!("CARGO_MANIFEST_DIR"));
    let listed = String::from_utf8(toolchain::run(&mut tree).stdout).unwrap();
    let (mut ours, mut others) = (BTreeSet::new(), BTreeSet::new());
    for line in listed.lines() {
        let (package, license) = line.trim_end_matches(" (*)").split_once('|').unwrap();
        let mut words = package.split(' ');
        let (name, version) = (words.next().unwrap(), words.next().unwrap().trim_start_matches('v'));
        // Ours lie in the checkout.
        if package.contains("(/") {
            ours.insert(name)
        } else {
            others.insert((name, version, license))
        };
    }
    assert!(ours.len() > 4 && others.len() > 30, "{listed}");
    for (name, version, license) in &others {
        assert!(text.contains(&format!("\n  {name} {version}: {license}; ")), "{name} {version}");
        // In the list, and over the text.
        assert!(text.contains(&format!("\n{name} {version} (")), "no text for {name} {version}");
    }
    for name in ours {
        assert!(!text.contains(&format!("\n  {name} ")), "{name} is ours");
    }
    assert!(text.contains("Rust's standard library"));
    assert_eq!(text.contains("SQLite: in the public domain"), cfg!(feature = "bundled-sqlite"));
    if cfg!(feature = "sqlite-vec") {
        assert!(
            text.contains("Alex Garcia"),
            "sqlite-vec comes without a text: the standard one names its author"
        );
    }
    // Texts are whole, and not one for each of those that share it.
    assert_eq!(
        text.matches("Everyone is permitted to copy and distribute this license document").count(),
        0,
        "no GPL"
    );
    let apache = text.matches("TERMS AND CONDITIONS FOR USE, REPRODUCTION, AND DISTRIBUTION").count();
    assert!((1..others.len() / 2).contains(&apache), "{apache} of {}", others.len());
}
