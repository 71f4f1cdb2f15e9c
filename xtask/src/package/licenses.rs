//! The licenses of everything that is compiled into the library: one file of them for the tree, and the list
//! of those that are allowed in it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::spdx::License;
use super::system::rustc;
use crate::run::{cargo, root};

/// The allowed licenses: their terms require no more than a notice.
const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Packages that may have one more license, and why that is acceptable.
const EXCEPTIONS: &[(&str, &str, &str)] = &[(
    "option-ext",
    "MPL-2.0",
    "asks for the source of its own few files only, which is unchanged and public at the address above",
)];

/// Standard texts, for packages without a license file.
const STANDARD: &[(&str, &str)] =
    &[("MIT", include_str!("texts/MIT.txt")), ("Apache-2.0", include_str!("../../../LICENSE-APACHE"))];

/// Prefixes of the names of license files, and of files that accompany one.
const TEXTS: &[&str] = &["license", "licence", "copying", "unlicense"];
const NOTICES: &[&str] = &["copyright", "notice", "third"];

/// The name of the file in the tree.
pub(crate) const FILE: &str = "THIRD-PARTY.txt";

/// A package that is compiled into the library.
#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) license: String,
    repository: String,
    authors: String,
    folder: PathBuf,
    /// A file that its manifest names.
    file: Option<PathBuf>,
}

/// The packages that are compiled into the library with these features, in order, ours left out. They include
/// macros, because the code that these generate is compiled in.
///
/// `features` are arguments for cargo, `triple` is the target system.
pub(crate) fn packages(features: &[String], triple: &str) -> Result<Vec<Package>, String> {
    let mut tree = cargo(&["tree", "--package", "rekall-ffi", "--edges", "normal", "--prefix", "none"]);
    let listed = read(tree.args(["--format", "{p}", "--target", triple]).args(features))?;
    let wanted: BTreeSet<(&str, &str)> = listed
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ');
            Some((words.next()?, words.next()?.strip_prefix('v')?))
        })
        .collect();
    let mut metadata = cargo(&["metadata", "--format-version", "1", "--filter-platform", triple]);
    metadata.arg("--manifest-path").arg(root().join("rekall-ffi/Cargo.toml"));
    let known = read(metadata.args(features))?;
    let known: Value = serde_json::from_str(&known).map_err(|error| format!("cargo metadata: {error}"))?;
    let known: Vec<&Value> = known["packages"].as_array().into_iter().flatten().collect();
    let mut found = Vec::new();
    for (name, version) in wanted {
        let of_that_name = |package: &&&Value| package["name"] == name && package["version"] == version;
        let package = known
            .iter()
            .find(of_that_name)
            .ok_or(format!("cargo metadata does not know {name} {version}"))?;
        // Our own packages have no source.
        if !package["source"].is_null() {
            found.push(Package::of(package)?);
        }
    }
    Ok(found)
}

impl Package {
    fn of(package: &Value) -> Result<Self, String> {
        let text = |key: &str| package[key].as_str().unwrap_or_default().to_owned();
        let manifest = PathBuf::from(text("manifest_path"));
        let folder = manifest.parent().ok_or("cargo metadata: a manifest without a folder")?.to_owned();
        let authors: Vec<&str> =
            package["authors"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        Ok(Self {
            name: text("name"),
            version: text("version"),
            license: text("license"),
            repository: text("repository"),
            authors: authors.join(", "),
            file: package["license_file"].as_str().map(|file| folder.join(file)),
            folder,
        })
    }

    /// Why the package may not be redistributed, if it may not.
    fn objection(&self) -> Option<String> {
        let excepted = |license: &str| {
            EXCEPTIONS.iter().any(|(name, besides, _)| *name == self.name && *besides == license)
        };
        let verdict = License::parse(&self.license)
            .map(|license| license.is_met(&|name| ALLOWED.contains(&name) || excepted(name)));
        match verdict {
            Ok(true) => None,
            Ok(false) => Some(format!("{} {}: `{}` is not allowed", self.name, self.version, self.license)),
            Err(message) => Some(format!("{} {}: {message}", self.name, self.version)),
        }
    }

    /// The texts that come with it, each with its file's name; else the standard text of one of its licenses.
    fn texts(&self) -> Result<Vec<(String, String)>, String> {
        let mut files: BTreeSet<PathBuf> = self.file.iter().cloned().collect();
        notices(&self.folder, 3, &mut files)?;
        let (mut texts, mut is_there) = (Vec::new(), false);
        for file in files {
            is_there |= self.file.as_ref() == Some(&file) || begins(&file, TEXTS);
            let bytes = fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
            let name = file.strip_prefix(&self.folder).unwrap_or(&file).display().to_string();
            texts.push((name, tidy(&String::from_utf8_lossy(&bytes))));
        }
        if is_there {
            return Ok(texts);
        }
        let license = License::parse(&self.license)?;
        let names = license.names();
        let standard = STANDARD.iter().filter(|(name, _)| names.contains(name));
        let mut missing = names.clone();
        for (name, text) in standard {
            missing.retain(|other| other != name);
            let whose = if self.authors.is_empty() { &self.repository } else { &self.authors };
            let text = text.replace("@HOLDERS@", &format!("the authors of {}: {whose}", self.name));
            texts.push((format!("the standard text of {name}; the package has none"), tidy(&text)));
        }
        if license.is_met(&|name| !missing.contains(&name)) {
            return Ok(texts);
        }
        let (name, version, license) = (&self.name, &self.version, &self.license);
        Err(format!("{name} {version} comes without a text of its license `{license}`: put one into texts/"))
    }
}

/// What is compiled in and is not a package: a line each, and a text or nothing.
pub(crate) fn others(sqlite: bool) -> Result<Vec<(String, String)>, String> {
    let version = rustc(&["--version"])?;
    let sysroot = PathBuf::from(rustc(&["--print", "sysroot"])?.trim());
    let mut others = vec![(
        format!(
            "Rust's standard library ({}): MIT OR Apache-2.0; https://github.com/rust-lang/rust",
            version.trim()
        ),
        // The standard library's own list of its parts, if the release contains it.
        fs::read_to_string(sysroot.join("share/doc/rust/COPYRIGHT-library.html")).unwrap_or_default(),
    )];
    if sqlite {
        let line =
            "SQLite: in the public domain, https://sqlite.org/copyright.html; comes with libsqlite3-sys";
        others.push((line.to_owned(), String::new()));
    }
    Ok(others)
}

/// Reports the packages that are not allowed in the library.
pub(crate) fn check(packages: &[Package]) -> Result<(), String> {
    let objections: Vec<String> = packages.iter().filter_map(Package::objection).collect();
    if objections.is_empty() { Ok(()) } else { Err(objections.join("; ")) }
}

/// The file for the tree. `others` are the parts that are not packages: a line each, and a text or nothing.
pub(crate) fn notice(packages: &[Package], others: &[(String, String)]) -> Result<String, String> {
    let mut list = String::new();
    // Most texts are identical except for line breaks.
    let mut texts: BTreeMap<String, (String, Vec<String>)> = BTreeMap::new();
    for (line, text) in others {
        list.push_str(&format!("  {line}\n"));
        if !text.is_empty() {
            texts.insert(squeezed(text), (tidy(text), vec![line.clone()]));
        }
    }
    for package in packages {
        let (name, version) = (&package.name, &package.version);
        list.push_str(&format!("  {name} {version}: {}; {}\n", package.license, package.repository));
        for (_, besides, why) in EXCEPTIONS.iter().filter(|(excepted, ..)| excepted == name) {
            list.push_str(&format!("    {besides} {why}\n"));
        }
        for (file, text) in package.texts()? {
            let (_, users) = texts.entry(squeezed(&text)).or_insert_with(|| (text, Vec::new()));
            users.push(format!("{name} {version} ({file})"));
        }
    }
    let rule = "=".repeat(100);
    let mut whole = format!(
        "What is compiled into rekall {}, and under which licenses. rekall's own, and those of the model\n\
         for French and English, are in the files beside this one.\n\n{list}",
        env!("CARGO_PKG_VERSION")
    );
    // In the order of the first package that uses each.
    let mut texts: Vec<(String, Vec<String>)> = texts.into_values().collect();
    texts.sort_by(|(_, one), (_, other)| one.cmp(other));
    for (text, users) in texts {
        whole.push_str(&format!("\n{rule}\n{}\n{rule}\n\n{text}\n", users.join("\n")));
    }
    Ok(whole)
}

/// Files in a package's folder, and in folders below it, whose names mark them as notices.
fn notices(folder: &Path, depth: u32, found: &mut BTreeSet<PathBuf>) -> Result<(), String> {
    let failed = |error| format!("{}: {error}", folder.display());
    for file in fs::read_dir(folder).map_err(failed)? {
        let file = file.map_err(failed)?;
        let (path, name) = (file.path(), file.file_name().to_string_lossy().to_lowercase());
        if path.is_dir() {
            if depth > 0 && !["tests", "benches", "target"].contains(&name.as_str()) {
                notices(&path, depth - 1, found)?;
            }
        } else if (begins(&path, TEXTS) || begins(&path, NOTICES)) && !name.ends_with(".rs") {
            found.insert(path);
        }
    }
    Ok(())
}

/// Whether the file's name begins with one of these, in whatever case.
fn begins(file: &Path, starts: &[&str]) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    starts.iter().any(|start| name.starts_with(start))
}

/// Without spaces at line ends, and with one kind of line break.
fn tidy(text: &str) -> String {
    let lines: Vec<&str> = text.trim_start_matches('\u{feff}').lines().map(str::trim_end).collect();
    lines.join("\n").trim_matches('\n').to_owned()
}

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn read(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("cargo: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(license: &str) -> Package {
        Package {
            name: "example".to_owned(),
            version: "1.0.0".to_owned(),
            license: license.to_owned(),
            repository: "https://example.org".to_owned(),
            authors: "Ada".to_owned(),
            folder: root().join("xtask/src/package/texts"),
            file: None,
        }
    }

    #[test]
    fn what_is_not_allowed_is_named() {
        assert_eq!(check(&[package("MIT"), package("GPL-3.0 OR ISC")]), Ok(()));
        let message = check(&[package("MIT"), package("GPL-3.0"), package("")]).unwrap_err();
        assert!(
            message.contains("example 1.0.0: `GPL-3.0` is not allowed; example 1.0.0: license ``"),
            "{message}"
        );
        // An exception holds for one package only.
        assert!(check(&[package("MPL-2.0")]).is_err());
    }

    #[test]
    fn a_package_without_a_text_gets_the_standard_one_or_is_refused() {
        let text = notice(&[package("MIT")], &[]).unwrap();
        assert!(text.contains("the authors of example: Ada") && text.contains("\"AS IS\""), "{text}");
        assert!(notice(&[package("ISC")], &[]).unwrap_err().contains("without a text"));
        assert!(notice(&[package("MIT AND ISC")], &[]).is_err());
        assert!(notice(&[package("MIT OR ISC")], &[]).is_ok());
    }
}
