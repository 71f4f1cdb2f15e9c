//! `cargo xtask bundle-model FOLDER`: makes a static model the built-in one.
//!
//! `FOLDER` is what training wrote, a model with rows of four bits and its name, and beside it a NOTICE of what the model was
//! made from, which a person writes. What the library needs besides is derived from these files.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::run::{Outcome, cargo, root, step, target};
use crate::venv::environment;

/// Where the built-in model lies.
const DATA: &str = "rekall-model/data/static-fren";

/// What is copied.
const FILES: [&str; 5] = ["NAME", "NOTICE", "config.json", "model.safetensors", "tokenizer.json"];

/// Scripts that write the golden vectors by the reference implementation.
const GOLDEN: &str = "rekall-model/tests/golden";

pub(crate) fn bundle_model(arguments: &[String]) -> Outcome {
    let [folder] = arguments else { return Err("the folder of a model is missing".into()) };
    let (folder, data) = (Path::new(folder), root().join(DATA));
    // All or none: half of another model would be none.
    if let Some(missing) = FILES.iter().find(|name| !folder.join(name).is_file()) {
        return Err(format!(
            "{}: expected a file; NOTICE says what the model was made from",
            folder.join(missing).display()
        ));
    }
    for name in FILES {
        let from = folder.join(name);
        fs::copy(&from, data.join(name)).map_err(|error| format!("{}: {error}", from.display()))?;
    }
    // The tests that hold the derived files make them, too: the first run writes, the second one was compiled with what
    // the first one wrote, and checks it.
    let bundled = ["test", "--package", "rekall-model", "--features", "bundled-model", "--lib", "bundled"];
    step("packed tokenizer and digests", cargo(&bundled).env("REKALL_UPDATE_BUNDLED", "1"))?;
    let golden = root().join(GOLDEN);
    let python = environment(&target().join("golden"), &golden.join("requirements.txt"))?;
    step("golden vectors", Command::new(python).arg(golden.join("make_static.py")))?;
    step("the derived files are in step", &mut cargo(&bundled))
}
