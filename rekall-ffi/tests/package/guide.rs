//! The lines that docs/c.md tells a C programmer to type, typed.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::toolchain::{self, answers, skip};
use crate::tree::{folder, prefix, soname};

/// The blocks of a language in the guide.
fn blocks(language: &str) -> Vec<String> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/c.md")).unwrap();
    let fence = format!("\n```{language}\n");
    text.split(&fence).skip(1).map(|rest| rest.split_once("```").unwrap().0.to_owned()).collect()
}

#[test]
fn the_compile_lines_of_the_guide_work() {
    if let Some(missing) = ["cc", "pkg-config", "ldd"].into_iter().find(|tool| !answers(tool)) {
        return skip(missing);
    }
    let lines: Vec<String> = blocks("sh").into_iter().filter(|block| block.starts_with("cc ")).collect();
    assert_eq!(lines.len(), 2, "shared, and static");
    // The guide's own snippet, in a function.
    let snippet = &blocks("c")[0];
    let program =
        format!("#include <rekall.h>\n#include <stdio.h>\nint main(void)\n{{\n{snippet}return status;\n}}\n");
    for (line, is_static) in lines.iter().zip([false, true]) {
        let place = folder(&format!("guide-{is_static}"));
        fs::write(place.join("program.c"), &program).unwrap();
        let mut command = Command::new("sh");
        command
            .arg("-c")
            .arg(line)
            .current_dir(&place)
            .env("PKG_CONFIG_PATH", prefix().join("lib/pkgconfig"));
        toolchain::run(&mut command);
        let needed = toolchain::run(Command::new("ldd").arg(place.join("program"))).stdout;
        assert_eq!(!String::from_utf8_lossy(&needed).contains(&soname()), is_static, "{line}");
        if cfg!(feature = "bundled-model") {
            let output = toolchain::run(Command::new(place.join("program")).current_dir(&place));
            assert_eq!(String::from_utf8_lossy(&output.stdout), "CORS fails on Safari\n");
        }
    }
}
