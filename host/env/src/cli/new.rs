//! `azr-env new`: a project that builds and passes every check before its author has changed a line.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail, ensure};
use clap::{Args, ValueEnum};

/// The file or folder at `path` in azr-host's sources, for a program that is still where cargo built it: in `target/PROFILE`.
pub(super) fn in_sources(path: &str) -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    let target = program.parent()?.parent().filter(|folder| folder.ends_with("target"))?;
    Some(target.parent()?.join(path)).filter(|found| found.exists())
}

/// What the environment's own name may be at most: `describe` has room for 64.
const NAME_MAX_BYTES: usize = 64;

#[derive(Args)]
pub struct New {
    /// The environment's name, and that of its new folder: lower-case letters, digits and hyphens.
    name: String,
    #[arg(long, value_enum, default_value = "rust")]
    lang: Language,
    /// The guest-sdk folder of azr-host's sources, for Rust [default: that of the sources that this program is in].
    #[arg(long)]
    sdk: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Language {
    /// For wasm32-unknown-unknown, which has no WASI.
    Rust,
    /// For wasm32-wasip2, where the standard library has clocks, random numbers and files.
    RustWasip2,
    Python,
    /// JavaScript, by ComponentizeJS.
    Js,
    /// C, by zig or the WASI SDK.
    C,
    /// Go, by its own compiler from 1.24.
    Go,
}

impl New {
    pub(super) fn run(self) -> Result<()> {
        let Self { name, lang, sdk } = self;
        check_name(&name)?;
        let files = match lang {
            Language::Rust => rust(&name, sdk)?,
            Language::RustWasip2 => {
                let mut files = rust(&name, sdk)?;
                files.push((".cargo/config.toml", "[build]\ntarget = \"wasm32-wasip2\"\n".into()));
                files
            }
            Language::Python => python(&name),
            Language::Js => javascript(&name),
            Language::C => c(&name),
            Language::Go => go(&name),
        };
        let folder = Path::new(&name);
        fs::create_dir(folder).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => anyhow::anyhow!("{name} already exists; choose another name"),
            _ => anyhow::Error::new(error).context(format!("cannot make the folder {name}")),
        })?;
        for (path, content) in files {
            let path = folder.join(path);
            let context = || format!("cannot write {}", path.display());
            fs::create_dir_all(path.parent().expect("it is in the folder")).with_context(context)?;
            fs::write(&path, content).with_context(context)?;
            println!("{}", path.display());
        }
        if let Language::Js = lang {
            println!("\nnext:  npm install --prefix {name}");
        }
        println!("\nnext:  azr-env build {name}");
        Ok(())
    }
}

fn check_name(name: &str) -> Result<()> {
    let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    ensure!(
        name.starts_with(|first: char| first.is_ascii_lowercase())
            && name.len() <= NAME_MAX_BYTES
            && name.bytes().all(word),
        "{name:?} cannot be an environment's name: up to {NAME_MAX_BYTES} lower-case letters, digits and hyphens, \
         a letter first"
    );
    Ok(())
}

type Files = Vec<(&'static str, String)>;

fn rust(name: &str, sdk: Option<PathBuf>) -> Result<Files> {
    let sdk = sdk.or_else(|| in_sources("guest-sdk"));
    let sdk = sdk.context("this program is not in azr-host's sources; name their guest-sdk folder with --sdk")?;
    if !sdk.join("Cargo.toml").is_file() {
        bail!("there is no guest SDK in {}; name the guest-sdk folder of azr-host's sources with --sdk", sdk.display());
    }
    let sdk = sdk.canonicalize()?;
    let sdk = sdk.to_str().with_context(|| format!("{} is not UTF-8, which Cargo.toml must be", sdk.display()))?;
    let manifest = include_str!("../../templates/rust/manifest.toml");
    Ok(vec![
        ("Cargo.toml", named(manifest, name).replace("@SDK@", &toml::Value::from(sdk).to_string())),
        ("src/lib.rs", named(include_str!("../../templates/rust/lib.rs"), name)),
        (".gitignore", "/target/\n/*.wasm\n".into()),
    ])
}

fn python(name: &str) -> Files {
    vec![
        ("env.py", named(include_str!("../../templates/python/env.py"), name)),
        ("azr_env.py", include_str!("../../templates/python/azr_env.py").into()),
        ("test_env.py", include_str!("../../templates/python/test_env.py").into()),
        (".gitignore", "__pycache__/\n/*.wasm\n".into()),
    ]
}

fn javascript(name: &str) -> Files {
    vec![
        ("env.js", named(include_str!("../../templates/javascript/env.js"), name)),
        ("azr_env.js", include_str!("../../templates/javascript/azr_env.js").into()),
        ("test_env.js", include_str!("../../templates/javascript/test_env.js").into()),
        ("package.json", named(include_str!("../../templates/javascript/package.json"), name)),
        (".gitignore", "/node_modules/\n/*.wasm\n".into()),
    ]
}

fn c(name: &str) -> Files {
    vec![
        ("env.c", named(include_str!("../../templates/c/env.c"), name)),
        ("azr_env.h", include_str!("../../templates/c/azr_env.h").into()),
        (".gitignore", "/*.wasm\n".into()),
    ]
}

fn go(name: &str) -> Files {
    vec![
        ("env.go", named(include_str!("../../templates/go/env.go"), name)),
        ("azr_env.go", include_str!("../../templates/go/azr_env.go").into()),
        ("env_test.go", include_str!("../../templates/go/env_test.go").into()),
        ("go.mod", format!("module {name}\n\ngo 1.24\n")),
        (".gitignore", "/*.wasm\n".into()),
    ]
}

fn named(template: &str, name: &str) -> String {
    template.replace("@NAME@", name)
}
