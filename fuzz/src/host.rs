//! What must hold for any bytes in the files that an operator gives to the host.

use std::sync::LazyLock;

use azr_config::RunConfig;
use azr_core::limits::Limits;
use azr_sandbox::{Grants, Sandbox, SandboxConfig};
use tempfile::TempDir;

/// A configuration is refused or survives its own text, and so are grants.
pub fn config(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(config) = RunConfig::from_toml(text) {
        let again = RunConfig::from_toml(&config.to_toml()).expect("it is refused at the second time");
        assert_eq!(again, config);
    }
    if let Ok(grants) = toml::from_str::<Grants>(text) {
        let written = toml::to_string(&grants).expect("grants are plain data");
        assert_eq!(toml::from_str::<Grants>(&written).expect("it is refused at the second time"), grants);
    }
}

/// A file is an environment or refused with a reason.
pub fn component(data: &[u8]) {
    static BENCH: LazyLock<(TempDir, Sandbox)> = LazyLock::new(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let cache_dir = Some(folder.path().join("cache"));
        let limits = Limits { judge_fuel: 10_000_000, ..Limits::default() };
        let config = SandboxConfig { workers: 1, cache_dir, limits, ..SandboxConfig::default() };
        (folder, Sandbox::new(&config).expect("a sandbox"))
    });
    let (folder, sandbox) = &*BENCH;
    let file = folder.path().join("env.wasm");
    std::fs::write(&file, data).expect("a file");
    if let Err(error) = sandbox.load(&file) {
        assert!(!format!("{error:#}").is_empty());
    }
}
