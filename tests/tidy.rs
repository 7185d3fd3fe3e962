//! The walls of the house: what each crate may know, that nothing goes in circles, and that names and files keep their
//! size. ARCHITECTURE.md's table of crates is held against the manifests.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use azr_config::{Preset, RunConfig};
use toml::{Table, Value};

/// Crates of which only these folders of `host/` may name any, and why.
const CONFINED: &[(&[&str], &[&str], &str)] = &[
    (
        &["wasmtime", "wasmtime-wasi", "wasmtime-wasi-io"],
        &["sandbox"],
        "one crate to audit for everything that guests reach",
    ),
    (
        &["tch", "torch-sys", "c10d"],
        &["ranks", "policy", "learner", "warm-start", "trainer"],
        "others run without libtorch",
    ),
    (
        &["oci-client", "hf-hub", "ureq", "hyper", "axum", "reqwest", "tokio"],
        &["env", "trainer"],
        "sockets: registries, the hub, serving, signals",
    ),
    (&["cap-std"], &["sandbox", "experiment"], "files of granted directories and of experiments"),
];

/// What links libtorch; nothing else may depend on these, however far away.
const WITH_LIBTORCH: &[&str] = &["azr-ranks", "azr-policy", "azr-learner", "azr-warm-start", "azr-trainer", "c10d"];

/// Crates that compute and touch neither files nor sockets.
const PURE: &[&str] = &["core"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The folders of `host/`.
fn crates() -> Vec<String> {
    let entries = fs::read_dir(root().join("host")).unwrap().map(|entry| entry.unwrap());
    let mut names: Vec<String> = entries
        .filter(|entry| entry.path().join("Cargo.toml").exists())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn manifest(name: &str) -> Table {
    fs::read_to_string(root().join("host").join(name).join("Cargo.toml")).unwrap().parse().unwrap()
}

/// What a crate depends on outside of its tests.
fn dependencies(name: &str) -> BTreeSet<String> {
    let manifest = manifest(name);
    ["dependencies", "build-dependencies"]
        .iter()
        .filter_map(|section| manifest.get(*section).and_then(Value::as_table))
        .flat_map(|section| section.keys().cloned())
        .collect()
}

fn package(name: &str) -> String {
    manifest(name)["package"]["name"].as_str().unwrap().to_owned()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()) {
        match entry.is_dir() {
            true if entry.file_name().is_some_and(|name| name == "target") => {}
            true => files.extend(rust_files(&entry)),
            false if entry.extension().is_some_and(|extension| extension == "rs") => files.push(entry),
            false => {}
        }
    }
    files.sort();
    files
}

/// A source file without its unit tests.
fn without_tests(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    text.split("#[cfg(test)]\nmod tests").next().unwrap().to_owned()
}

#[test]
fn heavy_dependencies_stay_behind_their_walls() {
    for name in crates() {
        let dependencies = dependencies(&name);
        for (confined, allowed, why) in CONFINED {
            for dependency in confined.iter().filter(|dependency| dependencies.contains(**dependency)) {
                assert!(allowed.contains(&name.as_str()), "host/{name} depends on {dependency}: {why}");
            }
        }
    }
}

#[test]
fn what_needs_no_policy_links_no_libtorch() {
    let direct: BTreeMap<String, BTreeSet<String>> =
        crates().iter().map(|name| (package(name), dependencies(name))).collect();
    for (name, own) in direct.iter().filter(|(name, _)| !WITH_LIBTORCH.contains(&name.as_str())) {
        let linked: Vec<_> = own.iter().filter(|dependency| WITH_LIBTORCH.contains(&dependency.as_str())).collect();
        assert!(linked.is_empty(), "{name} depends on {linked:?}, which link libtorch");
    }
}

#[test]
fn what_computes_touches_no_files() {
    for name in PURE {
        for file in rust_files(&root().join("host").join(name).join("src")) {
            let text = without_tests(&file);
            let found = ["std::fs", "std::net", "cap_std"].iter().find(|word| text.contains(**word));
            assert!(found.is_none(), "{} uses {}", file.display(), found.unwrap());
        }
    }
}

#[test]
fn sockets_are_opened_where_the_walls_say() {
    for name in crates().iter().filter(|name| !["env", "trainer"].contains(&name.as_str())) {
        for file in rust_files(&root().join("host").join(name).join("src")) {
            assert!(!without_tests(&file).contains("std::net"), "{} opens sockets", file.display());
        }
    }
}

/// A line of the table: `| azr-selfplay | host/selfplay | azr-config, azr-core, azr-sandbox | … |`.
#[test]
fn the_table_of_crates_is_what_the_manifests_say() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let mut told = BTreeMap::new();
    for line in text.lines().filter(|line| line.starts_with("| `azr-")) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let names = |cell: &str| -> BTreeSet<String> {
            cell.split(", ")
                .map(|name| name.trim_matches('`').to_owned())
                .filter(|name| name.starts_with("azr-"))
                .collect()
        };
        told.insert(cells[1].trim_matches('`').to_owned(), names(cells[3]));
    }
    let own = |name: &String| -> BTreeSet<String> {
        dependencies(name).into_iter().filter(|own| own.starts_with("azr-") && own != "azr-guest-sdk").collect()
    };
    let found: BTreeMap<_, _> = crates().iter().map(|name| (package(name), own(name))).collect();
    assert_eq!(told, found);
}

/// The rooms of a crate: files in its top folder, each with the folder of its name.
fn rooms(name: &str) -> BTreeMap<String, Vec<PathBuf>> {
    let source = root().join("host").join(name).join("src");
    let mut rooms: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for file in rust_files(&source) {
        let first = file.strip_prefix(&source).unwrap().components().next().unwrap();
        let room = Path::new(first.as_os_str()).file_stem().unwrap().to_str().unwrap().to_owned();
        rooms.entry(room).or_default().push(file);
    }
    rooms
}

/// The rooms that a file of `room` names, by `crate::` or by `super::` from the room's own file.
fn named(text: &str, at_top: bool, all: &BTreeSet<String>) -> BTreeSet<String> {
    let code: String =
        text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n");
    let mut found = BTreeSet::new();
    let prefixes: &[&str] = if at_top { &["crate::", "super::"] } else { &["crate::"] };
    for prefix in prefixes {
        for (place, _) in code.match_indices(prefix) {
            let rest = &code[place + prefix.len()..];
            let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
            match rest.strip_prefix('{') {
                None => _ = found.insert(word(rest)),
                Some(group) => {
                    let mut depth = 0;
                    let mut begins = true;
                    for (at, c) in group.char_indices() {
                        match c {
                            '{' => depth += 1,
                            '}' if depth == 0 => break,
                            '}' => depth -= 1,
                            ',' if depth == 0 => begins = true,
                            c if depth == 0 && begins && c.is_alphabetic() => {
                                found.insert(word(&group[at..]));
                                begins = false;
                            }
                            _ => {}
                        }
                    }
                }
            }
        }
    }
    found.into_iter().filter(|word| all.contains(word)).collect()
}

#[test]
fn nothing_goes_in_circles_inside_a_crate() {
    for name in crates() {
        let rooms = rooms(&name);
        let all: BTreeSet<String> = rooms.keys().cloned().collect();
        let mut names: BTreeMap<&String, BTreeSet<String>> = BTreeMap::new();
        for (room, files) in rooms.iter().filter(|(room, _)| !["lib", "main"].contains(&room.as_str())) {
            let source = root().join("host").join(&name).join("src");
            let of = |file: &PathBuf| named(&without_tests(file), file.parent() == Some(&source), &all);
            let mut others: BTreeSet<String> = files.iter().flat_map(of).collect();
            others.remove(room);
            names.insert(room, others);
        }
        // Rooms that name nothing that is left are taken away until none is left, or a circle.
        while let Some(room) = names
            .iter()
            .find(|(_, others)| others.iter().all(|other| !names.contains_key(other)))
            .map(|(room, _)| *room)
        {
            names.remove(room);
        }
        assert!(names.is_empty(), "host/{name} has a circle among {names:#?}");
    }
}

/// A program that is copied to another machine finds nothing at such a path.
#[test]
fn no_program_has_the_folder_it_was_built_in() {
    for file in rust_files(&root().join("host")).iter().filter(|file| !file.ends_with("build.rs")) {
        let built_in = without_tests(file).contains("env!(\"CARGO_MANIFEST_DIR\")");
        assert!(!built_in, "{} has the folder it was built in", file.display());
    }
}

#[test]
fn a_types_name_is_unique_in_its_crate() {
    for name in crates() {
        let mut found: BTreeMap<String, PathBuf> = BTreeMap::new();
        for file in rust_files(&root().join("host").join(&name).join("src")) {
            for line in without_tests(&file).lines() {
                let line = ["pub(crate) ", "pub(super) ", "pub "]
                    .iter()
                    .find_map(|vis| line.strip_prefix(vis))
                    .unwrap_or(line);
                let Some(rest) = ["struct ", "enum ", "trait "].iter().find_map(|word| line.strip_prefix(word)) else {
                    continue;
                };
                let declared: String = rest.chars().take_while(|c| c.is_alphanumeric()).collect();
                if let Some(other) = found.insert(declared.clone(), file.clone()) {
                    panic!("{declared} is declared in {} and in {}", other.display(), file.display());
                }
            }
        }
    }
}

#[test]
fn files_and_lines_keep_their_size() {
    let folders = ["host", "envs", "guest-sdk", "c10d"].map(|folder| root().join(folder));
    for file in folders.iter().flat_map(|folder| rust_files(folder)) {
        let text = fs::read_to_string(&file).unwrap();
        let lines = text.lines().count();
        assert!(lines <= 600, "{} has {lines} lines; a file has one idea", file.display());
    }
}

/// `sandbox.judge-fuel` and the like: a key that a document or a message names can be set.
#[test]
fn every_key_that_is_named_exists() {
    let config: Table = RunConfig::resolve(Preset::Paper, None, &[]).unwrap().to_toml().parse().unwrap();
    let sections: BTreeMap<&str, &Table> =
        config.iter().filter_map(|(name, value)| Some((name.as_str(), value.as_table()?))).collect();
    let mut files = rust_files(&root().join("host"));
    files.extend(["SECURITY.md", "README.md", "ARCHITECTURE.md"].map(|name| root().join(name)));
    let of_a_key = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    for file in files {
        let text = without_tests(&file);
        for (name, section) in &sections {
            let prefix = format!("{name}.");
            let named = text.match_indices(&prefix).filter(|(at, _)| {
                let before = text[..*at].chars().next_back();
                before.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != '.' && c != '-')
            });
            for (at, _) in named {
                let key: String = text[at + prefix.len()..].chars().take_while(|c| of_a_key(*c)).collect();
                // Fields and files of the sources have no hyphens.
                if key.contains('-') && !key.ends_with('-') {
                    assert!(section.contains_key(&key), "{} names {name}.{key}, which is no key", file.display());
                }
            }
        }
    }
}
