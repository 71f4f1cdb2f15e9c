//! The command's arguments.

use std::env;
use std::path::{Component, Path, PathBuf};

use super::system::System;

/// The arguments that it takes.
pub(crate) const USAGE: &str = "--prefix DIR, --libdir DIR, --target TRIPLE, --profile NAME, --debug-symbols, \
                                --no-strip, --no-default-features, --features LIST";

/// Where the tree goes, and what is built for it.
pub(crate) struct Options {
    /// The folder that the tree is made in, before any `DESTDIR`.
    pub(crate) prefix: PathBuf,
    pub(crate) layout: Layout,
    pub(crate) profile: String,
    pub(crate) debug_symbols: bool,
    pub(crate) strip: bool,
    pub(crate) built: Built,
    /// Whether cargo gets the triple as an argument, even if it is this machine's.
    pub(crate) is_cross: bool,
}

/// What is compiled into the library, as far as the tree depends on it.
pub(crate) struct Built {
    pub(crate) system: System,
    pub(crate) sqlite: bool,
    pub(crate) model: bool,
    pub(crate) model_v1: bool,
    /// The features, as arguments for cargo.
    pub(crate) features: Vec<String>,
}

/// The folder of the libraries, below the prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) libdir: PathBuf,
}

impl Layout {
    pub(crate) fn new(libdir: &Path, prefix: &Path) -> Result<Self, String> {
        let below = libdir.strip_prefix(prefix).unwrap_or(libdir);
        let is_plain = below.components().all(|part| matches!(part, Component::Normal(_)));
        if !is_plain || below.as_os_str().is_empty() {
            return Err(format!(
                "--libdir is a folder below the prefix, because the tree can be moved as a whole; got {}",
                libdir.display()
            ));
        }
        Ok(Self { libdir: below.to_owned() })
    }

    /// The relative path to the prefix from a folder `below` levels below the libraries'.
    pub(crate) fn up(&self, below: usize) -> String {
        vec![".."; self.libdir.components().count() + below].join("/")
    }
}

impl Options {
    pub(crate) fn parse(arguments: &[String]) -> Result<Self, String> {
        let mut prefix = crate::run::target().join("dist");
        let (mut libdir, mut target, mut profile) = (PathBuf::from("lib"), None, "release".to_owned());
        let (mut debug_symbols, mut strip) = (false, true);
        let (mut features, mut named, mut with_defaults) = (Vec::new(), Vec::new(), true);
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            // Values can be written in two ways: `--name value` and `--name=value`.
            let (name, written) = match argument.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (argument.as_str(), None),
            };
            let is_switch = ["--debug-symbols", "--no-strip", "--no-default-features"].contains(&name);
            if is_switch && written.is_some() {
                return Err(format!("{name} takes no value"));
            }
            let value = || written.or_else(|| rest.next().cloned()).ok_or(format!("{name} needs a value"));
            match name {
                "--prefix" => {
                    prefix = env::current_dir().map_err(|error| error.to_string())?.join(value()?);
                }
                "--libdir" => libdir = value()?.into(),
                "--target" => target = Some(value()?),
                "--profile" => profile = value()?,
                "--debug-symbols" => debug_symbols = true,
                "--no-strip" => strip = false,
                "--no-default-features" => {
                    with_defaults = false;
                    features.push(name.to_owned());
                }
                "--features" => {
                    let list = value()?;
                    named.extend(list.split([',', ' ']).map(str::to_owned));
                    features.extend([name.to_owned(), list]);
                }
                "--help" => return Err(format!("there are {USAGE}")),
                _ => return Err(format!("unknown argument {name}; there are {USAGE}")),
            }
        }
        // Evaluated after all arguments, whose order does not matter.
        let has = |feature: &str| with_defaults || named.iter().any(|name| name == feature);
        let built = Built {
            sqlite: has("bundled-sqlite"),
            model: has("bundled-model"),
            model_v1: named.iter().any(|name| name == "bundled-model-v1"),
            features,
            system: System::find(target.as_deref())?,
        };
        let layout = Layout::new(&libdir, &prefix)?;
        Ok(Self { layout, prefix, profile, debug_symbols, strip, built, is_cross: target.is_some() })
    }

    /// The folder that the tree is installed into: below `DESTDIR` if that is set, as packaging tools expect.
    pub(crate) fn place(&self) -> PathBuf {
        match env::var_os("DESTDIR").filter(|folder| !folder.is_empty()) {
            Some(folder) => {
                let below: PathBuf =
                    self.prefix.components().filter(|part| matches!(part, Component::Normal(_))).collect();
                PathBuf::from(folder).join(below)
            }
            None => self.prefix.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_libraries_lie_below_the_prefix() {
        let layout = |libdir: &str| Layout::new(Path::new(libdir), Path::new("/usr"));
        assert_eq!(layout("lib").unwrap().up(1), "../..");
        assert_eq!(layout("lib/x86_64-linux-gnu").unwrap().up(2), "../../../..");
        assert_eq!(layout("/usr/lib64").unwrap(), layout("lib64").unwrap());
        for libdir in ["/opt/lib", "../lib", "", "/usr", "lib/../.."] {
            assert!(layout(libdir).unwrap_err().contains("--libdir"), "{libdir}");
        }
    }

    #[test]
    fn what_is_unknown_or_unfinished_is_refused() {
        let parse = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
            Options::parse(&words).map(|options| (options.built.sqlite, options.built.model)).unwrap_err()
        };
        assert!(parse(&["--prefx", "x"]).contains("unknown argument --prefx"));
        assert!(parse(&["--features"]).contains("needs a value"));
        assert!(parse(&["--no-strip=yes"]).contains("takes no value"));
        assert!(parse(&["--target", "no-such-system"]).contains("no-such-system"));
    }
}
