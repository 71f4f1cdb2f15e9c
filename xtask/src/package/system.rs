//! The target system, and the tools for it.

use std::env;
use std::path::Path;
use std::process::Command;

/// A system, by its Rust target triple.
#[derive(Debug, Clone)]
pub(crate) struct System {
    pub(crate) triple: String,
    /// The prefix of its tools' names if it is not this machine's, such as `aarch64-linux-gnu-`.
    prefix: String,
    pub(crate) pointer_bytes: usize,
}

impl System {
    /// This machine's system, or the one that is named.
    ///
    /// # Errors
    /// If Rust does not know the system, if this machine lacks Rust's standard library or a C compiler for
    /// it, or if its libraries are not ELF files.
    pub(crate) fn find(triple: Option<&str>) -> Result<Self, String> {
        let host = host()?;
        let triple = triple.unwrap_or(&host);
        let cfg = rustc(&["--print", "cfg", "--target", triple])
            .map_err(|_| format!("Rust knows no system {triple}: see rustc --print target-list"))?;
        let has = |line: &str| cfg.lines().any(|other| other == line);
        if !["linux", "android", "freebsd"].iter().any(|os| has(&format!("target_os=\"{os}\""))) {
            return Err(format!("{triple}: only for systems with ELF libraries so far"));
        }
        let width =
            cfg.lines().find_map(|line| line.strip_prefix("target_pointer_width=\"")?.strip_suffix('"'));
        let width =
            width.and_then(|width| width.parse::<usize>().ok()).ok_or("rustc --print cfg: no width")?;
        let prefix = if triple == host { String::new() } else { format!("{}-", gnu(triple)) };
        let system = Self { triple: triple.to_owned(), prefix, pointer_bytes: width / 8 };
        let library = rustc(&["--print", "target-libdir", "--target", triple])?;
        if !Path::new(library.trim()).is_dir() {
            return Err(format!(
                "Rust's standard library for {triple} is not installed: rustup target add {triple}"
            ));
        }
        let mut compiler = system.compiler();
        if !compiler.arg("--version").output().is_ok_and(|output| output.status.success()) {
            return Err(format!(
                "no C compiler for {triple}: {:?} does not start; CC, AR and OBJCOPY name others",
                compiler.get_program()
            ));
        }
        Ok(system)
    }

    pub(crate) fn compiler(&self) -> Command {
        // The build of the C sources reads this variable, too.
        let own = env::var(format!("CC_{}", self.triple.replace('-', "_")));
        match own {
            Ok(own) => command(&own),
            Err(_) => self.tool("CC", if self.prefix.is_empty() { "cc" } else { "gcc" }),
        }
    }

    /// A tool, or its replacement from the environment.
    pub(crate) fn tool(&self, variable: &str, usual: &str) -> Command {
        command(&env::var(variable).unwrap_or_else(|_| format!("{}{usual}", self.prefix)))
    }
}

/// A program and its fixed arguments: `ccache gcc`, `gcc -m64`.
fn command(line: &str) -> Command {
    let mut words = line.split_whitespace();
    // A path with a space in it.
    if Path::new(line).exists() {
        return Command::new(line);
    }
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words);
    command
}

/// The GNU tools' name of a system: Rust's, without the vendor and with a shorter processor name.
fn gnu(triple: &str) -> String {
    let parts: Vec<&str> = triple.split('-').filter(|part| *part != "unknown").collect();
    let processor = match parts.first().copied().unwrap_or_default() {
        arm if arm.starts_with("armv") => "arm",
        riscv if riscv.starts_with("riscv64") => "riscv64",
        riscv if riscv.starts_with("riscv32") => "riscv32",
        other => other,
    };
    std::iter::once(processor).chain(parts.into_iter().skip(1)).collect::<Vec<_>>().join("-")
}

/// This machine's system.
fn host() -> Result<String, String> {
    let told = rustc(&["-vV"])?;
    told.lines()
        .find_map(|line| line.strip_prefix("host: "))
        .map(str::to_owned)
        .ok_or("rustc: no host".to_owned())
}

/// The output of the compiler.
pub(crate) fn rustc(arguments: &[&str]) -> Result<String, String> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).args(arguments).output().map_err(|error| format!("rustc: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_of_other_systems_have_their_names() {
        for (rust, name) in [
            ("aarch64-unknown-linux-gnu", "aarch64-linux-gnu"),
            ("armv7-unknown-linux-gnueabihf", "arm-linux-gnueabihf"),
            ("riscv64gc-unknown-linux-gnu", "riscv64-linux-gnu"),
            ("x86_64-unknown-linux-musl", "x86_64-linux-musl"),
            ("aarch64-linux-android", "aarch64-linux-android"),
        ] {
            assert_eq!(gnu(rust), name);
        }
    }

    #[test]
    fn a_tool_may_come_with_its_first_words() {
        let gcc = command("ccache gcc -m64");
        assert_eq!(gcc.get_program(), "ccache");
        assert_eq!(gcc.get_args().collect::<Vec<_>>(), ["gcc", "-m64"]);
        assert_eq!(command("cc").get_args().count(), 0);
    }

    #[test]
    fn what_cannot_be_built_is_refused_in_words() {
        assert_eq!(System::find(None).unwrap().triple, host().unwrap());
        assert!(System::find(Some("vax-dec-vms")).unwrap_err().contains("Rust knows no system vax-dec-vms"));
        assert!(System::find(Some("x86_64-pc-windows-msvc")).unwrap_err().contains("ELF"));
        // There is no standard library for it.
        let message = System::find(Some("mips-unknown-linux-gnu")).unwrap_err();
        assert!(message.contains("standard library") && message.contains("rustup target add"), "{message}");
    }
}
