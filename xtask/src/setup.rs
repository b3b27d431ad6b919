//! What tests and the demo need besides Rust, fetched into `target/`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::command::{Result, command, execute, is_installed, root, target};

/// The release of ONNX Runtime that everything here is tested with.
const VERSION: &str = "1.31.1";

/// A wheel of that release. Only the native library in it is used, so the Python it was built for
/// does not matter: the same one is taken everywhere.
struct Wheel {
    os: &'static str,
    architecture: &'static str,
    platform: &'static str,
    sha256: &'static str,
}

const WHEELS: [Wheel; 3] = [
    Wheel {
        os: "linux",
        architecture: "x86_64",
        platform: "manylinux_2_28_x86_64",
        sha256: "1f3dea47f2f0e5117c2404cea7d21fd253ae7836a3bf167a501cdfbb2600d536",
    },
    Wheel {
        os: "linux",
        architecture: "aarch64",
        platform: "manylinux_2_28_aarch64",
        sha256: "0b9a492176886992e0e875f06bc0367e333f5fff11711a2d642e18b02f3009cc",
    },
    Wheel {
        os: "macos",
        architecture: "aarch64",
        platform: "macosx_14_0_arm64",
        sha256: "96dd2564b10ea7153ad9c207e7cd8e5917cb3ba521e0e0a62ac03486fdc8d56c",
    },
];

/// Fetches the ONNX Runtime library, once; returns its path.
pub(crate) fn library() -> Result<PathBuf> {
    let directory = target().join("onnxruntime");
    let name =
        format!("{}onnxruntime{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let library = directory.join(name);
    let stamp = directory.join("version");
    if library.is_file() && fs::read_to_string(&stamp).is_ok_and(|text| text == VERSION) {
        return Ok(library);
    }
    let (os, architecture) = (std::env::consts::OS, std::env::consts::ARCH);
    let Some(wheel) =
        WHEELS.iter().find(|wheel| wheel.os == os && wheel.architecture == architecture)
    else {
        return Err(format!(
            "no ONNX Runtime is pinned for {os} on {architecture}: set ORT_DYLIB_PATH to a library \
             of version {VERSION}, or add its wheel to xtask/src/setup.rs"
        )
        .into());
    };
    eprintln!("fetching ONNX Runtime {VERSION} into {}", directory.display());
    let unpacked = directory.join("unpacked");
    remove(&directory)?;
    fs::create_dir_all(&unpacked)?;
    let requirements = directory.join("requirements.txt");
    fs::write(&requirements, format!("onnxruntime=={VERSION} --hash=sha256:{}\n", wheel.sha256))?;
    execute(
        command(python3()?, &["-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"])
            .args(["--only-binary=:all:", "--implementation", "cp", "--python-version", "3.12"])
            .args(["--platform", wheel.platform, "--dest"])
            .arg(&directory)
            .arg("--requirement")
            .arg(&requirements),
    )?;
    let archive = find(&directory, |name| name.ends_with(".whl"))?;
    execute(command(python3()?, &["-m", "zipfile", "-e"]).arg(&archive).arg(&unpacked))?;
    let native = find(&unpacked.join("onnxruntime/capi"), |name| {
        name.starts_with("libonnxruntime.") && !name.contains("providers")
    })?;
    fs::rename(native, &library)?;
    remove(&unpacked)?;
    fs::remove_file(archive)?;
    fs::write(stamp, VERSION)?;
    Ok(library)
}

/// Makes the Python environment of the checks, once; returns its interpreter.
pub(crate) fn python() -> Result<PathBuf> {
    environment("python", "xtask/requirements.txt")
}

/// Makes a Python environment under `target/` with these requirements, once; returns its
/// interpreter.
pub(crate) fn environment(name: &str, requirements: &str) -> Result<PathBuf> {
    let directory = target().join(name);
    let interpreter = directory.join("bin/python");
    let wanted = fs::read_to_string(root().join(requirements))?;
    let stamp = directory.join("requirements.txt");
    if interpreter.is_file() && fs::read_to_string(&stamp).is_ok_and(|have| have == wanted) {
        return Ok(interpreter);
    }
    eprintln!("making a Python environment in {}", directory.display());
    execute(command(python3()?, &["-m", "venv", "--clear"]).arg(&directory))?;
    execute(&mut command(
        &interpreter,
        &["-m", "pip", "install", "--quiet", "--requirement", requirements],
    ))?;
    fs::write(stamp, wanted)?;
    Ok(interpreter)
}

/// Installs the programs that `test --services` starts.
pub(crate) fn system() -> Result<()> {
    let wanted = [("promtool", "prometheus"), ("chromium", "chromium")];
    let missing: Vec<&str> = wanted
        .into_iter()
        .filter(|(program, _)| !is_installed(program, "--version"))
        .map(|(_, package)| package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    execute(&mut command("apt-get", &["update", "-qq"]))?;
    let install = ["install", "-y", "-qq", "--no-install-recommends"];
    execute(command("apt-get", &install).args(missing))
}

fn python3() -> Result<&'static str> {
    if is_installed("python3", "--version") {
        Ok("python3")
    } else {
        Err("python3 is not installed: ONNX Runtime is fetched with its pip".into())
    }
}

fn find(directory: &Path, fits: impl Fn(&str) -> bool) -> Result<PathBuf> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.file_name().and_then(|name| name.to_str()).is_some_and(&fits) {
            return Ok(path);
        }
    }
    Err(format!("nothing fitting in {}", directory.display()).into())
}

fn remove(directory: &Path) -> Result<()> {
    if directory.exists() {
        fs::remove_dir_all(directory)?;
    }
    Ok(())
}
