//! The environments of `tests/guests/broken`, each with a defect.

use std::path::Path;

use azr_sandbox::{Environment, Sandbox, pack};

/// The guest with a defect, or in another of its variants.
pub fn broken(defect: &str) -> Vec<u8> {
    let guest =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/wasm32-unknown-unknown/guest/azr_test_broken.wasm");
    let mut wasm = std::fs::read(guest).expect("`make test` builds the guests");
    let place = b"defect=none.....................";
    let at =
        wasm.windows(place.len()).position(|window| window == place).expect("the guest has a place for its defect");
    let patch = format!("defect={defect:.<width$}", width = place.len() - "defect=".len());
    assert_eq!(patch.len(), place.len(), "{defect} is too long");
    wasm[at..at + place.len()].copy_from_slice(patch.as_bytes());
    wasm
}

/// The guest with a defect as an environment; its file is left in `folder`.
pub fn load(sandbox: &Sandbox, defect: &str, folder: &Path) -> Environment {
    let (judge, file) = (folder.join("judge.wasm"), folder.join("broken.wasm"));
    std::fs::write(&judge, broken(defect)).unwrap();
    std::fs::write(&file, pack(&judge, &[] as &[&Path]).unwrap()).unwrap();
    sandbox.load(&file).unwrap()
}
