//! The programs of the README, compiled and run as they stand there.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::toolchain::{self, answers, skip};
use crate::tree::{folder, link};

/// The blocks of a language in the README, as written.
fn blocks(language: &str) -> Vec<String> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md")).unwrap();
    let fence = format!("\n```{language}\n");
    text.split(&fence)
        .skip(1)
        .map(|rest| rest.split_once("```").expect("the block ends").0.to_owned())
        .collect()
}

fn passes(language: &str, compiler: &str, standard: &str) {
    let blocks = blocks(language);
    assert_eq!(blocks.len(), 1, "the README has a first program in {language}");
    if !answers(compiler) {
        return skip(compiler);
    }
    for is_static in [false, true] {
        let place = folder(&format!("readme-{language}-{is_static}"));
        let source = place.join(format!("program.{language}"));
        fs::write(&source, &blocks[0]).unwrap();
        let mut command = Command::new(compiler);
        command.arg(standard).args(toolchain::WARNINGS).arg(&source).arg("-o").arg(place.join("program"));
        toolchain::run(link(&mut command, is_static));
        if cfg!(feature = "bundled-model") {
            let output = toolchain::run(Command::new(place.join("program")).current_dir(&place));
            let text = String::from_utf8(output.stdout).unwrap();
            assert!(text.ends_with("  CORS fails on Safari\n"), "{text}");
            assert!(place.join("knowledge.db").is_file());
        } else {
            skip("built-in model in this build to run the README's program with");
        }
    }
}

#[test]
fn the_c_program_compiles_and_runs() {
    passes("c", "cc", "-std=c99");
}

#[test]
fn the_cpp_program_compiles_and_runs() {
    passes("cpp", "c++", "-std=c++17");
}

#[test]
fn the_c_program_is_short_and_fails_in_one_place() {
    let program = &blocks("c")[0];
    let (_, body) = program.split_once("rekall_status status = ").unwrap();
    let calls = body.lines().take_while(|line| !line.starts_with("end:")).filter(|line| !line.is_empty());
    assert!(calls.count() <= 12);
    assert_eq!(program.matches("end:").count(), 1);
    assert_eq!(program.matches("goto ").count(), program.matches("goto end;").count());
}
