//! Reading the directories that a judge asks for in its description. Outside of a component there are none.

/// The content of a file, or why there is none.
pub fn read(directory: &str, path: &str) -> Result<Vec<u8>, String> {
    match cfg!(target_family = "wasm") {
        true => crate::bindings::azr::env::files::read(directory, path),
        false => Err(format!("{directory} is not granted")),
    }
}

/// The names in a folder of the directory, sorted; `.` is the directory itself.
pub fn names(directory: &str, path: &str) -> Result<Vec<String>, String> {
    match cfg!(target_family = "wasm") {
        true => crate::bindings::azr::env::files::names(directory, path),
        false => Err(format!("{directory} is not granted")),
    }
}
