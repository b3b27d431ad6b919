//! Running other programs.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// What went wrong, for the terminal.
pub(crate) type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The workspace's folder.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).into()
}

/// The workspace's build folder.
pub(crate) fn target() -> PathBuf {
    root().join("target")
}

/// A command in the workspace's folder.
///
/// It does not see what cargo tells this program of its package. Build scripts look at that: called from
/// here and by hand in turn, cargo would build them and all that needs them anew each time.
pub(crate) fn command(program: impl AsRef<OsStr>, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    let of_package = |name: &OsStr| {
        let name = name.to_string_lossy();
        name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
    };
    for (name, _) in std::env::vars_os().filter(|(name, _)| of_package(name)) {
        command.env_remove(name);
    }
    command
}

/// Runs cargo, showing what it runs.
pub(crate) fn cargo(arguments: &[&str]) -> Result<()> {
    execute(&mut command(env!("CARGO"), arguments))
}

/// Runs a command to its end; an exit status other than 0 is an error.
pub(crate) fn execute(command: &mut Command) -> Result<()> {
    eprintln!("$ {}", shown(command));
    let status = command.status().map_err(|error| format!("{}: {error}", shown(command)))?;
    if status.success() { Ok(()) } else { Err(format!("{}: {status}", shown(command)).into()) }
}

/// True if a program can be started at all.
pub(crate) fn is_installed(program: &str, argument: &str) -> bool {
    let mut probe = Command::new(program);
    probe.arg(argument).stdout(Stdio::null()).stderr(Stdio::null());
    probe.status().is_ok_and(|status| status.success())
}

fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str());
    std::iter::once(name)
        .chain(command.get_args())
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_does_not_see_the_package() {
        // Cargo has told this test, too.
        assert!(std::env::var_os("CARGO_PKG_NAME").is_some());
        let command = command("program", &[]);
        let changed: Vec<_> = command.get_envs().collect();
        for name in ["CARGO_PKG_NAME", "CARGO_MANIFEST_DIR"] {
            assert!(changed.contains(&(OsStr::new(name), None)), "{changed:?}");
        }
    }
}
