//! The file that is an environment: a judge component with its executors in top-level custom sections.

use std::{borrow::Cow, fs::File, io::Read as _, ops::Range, path::Path};

use anyhow::{Context as _, Result, bail, ensure};
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wasmparser::{BinaryReader, Parser, Payload};
use wasmtime::Engine;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};

use super::{
    link::{self, link},
    room, snapshot,
};
use azr_core::{task::Digest, terminal};

/// One whole executor component; the order of the sections is the number that a run names.
const EXECUTOR_SECTION: &str = "azr:executor";
/// How the runs of an answer are made, where not all of them are made in any case.
const RUNS_SECTION: &str = "azr:runs";
const STOP_AT_OUT_OF_FUEL: &[u8] = b"stop-at-out-of-fuel";
/// Sections of this family that the host does not know would be promises it does not keep.
const OUR_SECTIONS: &str = "azr:";
/// In which compilers that know components say what a core module is one of.
const WORLDS_SECTION: &str = "component-type";
/// Magic number, version, layer.
const HEADER_BYTES: usize = 8;
/// Of an environment's file. CPython with its standard library is 26 MB; two of them leave ample room.
pub const FILE_MAX_BYTES: u64 = 512 << 20;

/// What a file holds, before anything is compiled.
pub(super) struct Package {
    /// Of the whole file.
    pub(super) digest: Digest,
    /// The judge component, without the executors.
    pub(super) judge: Vec<u8>,
    pub(super) executors: Vec<Vec<u8>>,
    /// Whether an answer with a run that is out of fuel is wrong whatever its other runs come to.
    pub(super) stops_at_out_of_fuel: bool,
}

impl Package {
    /// What is hashed is what gets compiled.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self> {
        check_component(bytes)?;
        let (mut judge, mut executors) = (Vec::with_capacity(bytes.len()), Vec::new());
        let (mut copied, mut stops_at_out_of_fuel) = (0, false);
        for section in custom_sections(bytes)? {
            match section.name {
                EXECUTOR_SECTION => executors.push(bytes[section.data].to_vec()),
                RUNS_SECTION if bytes[section.data.clone()] == *STOP_AT_OUT_OF_FUEL => stops_at_out_of_fuel = true,
                name if name.starts_with(OUR_SECTIONS) => {
                    bail!(
                        "it has a section {name:?}, which this azr-host does not know; use the azr-host it was packed for"
                    )
                }
                _ => continue,
            }
            judge.extend_from_slice(&bytes[copied..section.whole.start]);
            copied = section.whole.end;
        }
        judge.extend_from_slice(&bytes[copied..]);
        for (index, executor) in executors.iter().enumerate() {
            check_component(executor).with_context(|| format!("its executor {index} is damaged"))?;
        }
        Ok(Self { digest: Digest::of(bytes), judge, executors, stops_at_out_of_fuel })
    }
}

/// Packs a judge and its executors into the bytes of one environment file. The judge may be a core module for
/// wasm32-unknown-unknown that was built with wit-bindgen, or a component.
pub fn pack(judge: &Path, executors: &[impl AsRef<Path>]) -> Result<Vec<u8>> {
    let bytes = read(judge)?;
    let mut file = component_of(&bytes, "environment")
        .with_context(|| format!("cannot pack judge {}", judge.display()))?
        .into_owned();
    for path in executors {
        let path = path.as_ref();
        let bytes = read(path)?;
        let context = || format!("cannot pack executor {}", path.display());
        let snapshot =
            if Parser::is_core_wasm(&bytes) { snapshot::initialized(&bytes).with_context(context)? } else { None };
        let executor = component_of(snapshot.as_deref().unwrap_or(&bytes), link::WORLD).with_context(context)?;
        if imports_wasi(&executor)? {
            append_section(&mut file, EXECUTOR_SECTION, &executor)?;
            continue;
        }
        let linked = link(&executor).unwrap_or_else(|reason| {
            tracing::warn!(
                "{} keeps its core modules, and starts more slowly for it: {}",
                path.display(),
                terminal::line(&format!("{reason:#}"))
            );
            None
        });
        append_section(&mut file, EXECUTOR_SECTION, linked.as_deref().unwrap_or(&executor))?;
    }
    Package::parse(&file).context("the packed file cannot be read back")?;
    Ok(file)
}

/// The bytes of an environment file whose judge takes an answer for wrong when one of its runs is out of fuel, so that further
/// runs of the same program need not be made.
pub fn stopping_at_out_of_fuel(mut file: Vec<u8>) -> Result<Vec<u8>> {
    append_section(&mut file, RUNS_SECTION, STOP_AT_OUT_OF_FUEL)?;
    Ok(file)
}

/// Whether a component has functions from the host, so that its modules cannot become one.
fn imports_wasi(component: &[u8]) -> Result<bool> {
    for payload in Parser::new(0).parse_all(component) {
        if let Payload::ComponentImportSection(imports) = payload? {
            for import in imports {
                if import?.name.name.starts_with("wasi:") {
                    return Ok(true);
                }
            }
        }
    }
    Ok(false)
}

/// Reads a whole file that an operator named, whatever is in it.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    let context = || format!("cannot read {}", path.display());
    let file = File::open(path).with_context(context)?;
    ensure!(!file.metadata().with_context(context)?.is_dir(), "{} is a directory, not a .wasm file", path.display());
    let mut bytes = Vec::new();
    file.take(FILE_MAX_BYTES + 1).read_to_end(&mut bytes).with_context(context)?;
    let length = u64::try_from(bytes.len()).context("a file larger than memory")?;
    ensure!(length <= FILE_MAX_BYTES, "{} is larger than {FILE_MAX_BYTES} bytes, the limit", path.display());
    Ok(bytes)
}

/// The bytes as a component of the world, wrapping a core module where there is one. Core modules of compilers that know
/// nothing of components have the names of the canonical ABI, and what they call of WASI's preview 1 is adapted.
fn component_of<'a>(bytes: &'a [u8], world: &str) -> Result<Cow<'a, [u8]>> {
    if !Parser::is_core_wasm(bytes) {
        check_component(bytes)?;
        return Ok(Cow::Borrowed(bytes));
    }
    let mut module = room::with_realloc(bytes)?.map_or(Cow::Borrowed(bytes), Cow::Owned);
    if !custom_sections(bytes)?.iter().any(|section| section.name.starts_with(WORLDS_SECTION)) {
        let (resolve, world) = link::resolved(world)?;
        embed_component_metadata(module.to_mut(), &resolve, world, StringEncoding::UTF8)?;
    }
    let encoded = || {
        ComponentEncoder::default()
            .validate(true)
            .module(&module)?
            .adapter(WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER)?
            .encode()
    };
    let component = encoded().context(
        "this core module cannot become a component; build it for wasm32-unknown-unknown with wit-bindgen, or for \
         wasm32-wasip1 with the names of the canonical ABI",
    )?;
    Ok(Cow::Owned(component))
}

/// Tells what the bytes are, so that the message can say what to do.
fn check_component(bytes: &[u8]) -> Result<()> {
    ensure!(!bytes.is_empty(), "the file is empty");
    ensure!(
        Engine::detect_precompiled(bytes).is_none(),
        "this is a compiled file, that is, native code, which is never accepted; give the .wasm file it was made from"
    );
    ensure!(
        !Parser::is_core_wasm(bytes),
        "this is a core wasm module, not a component; `azr-env pack --judge FILE --out FILE` makes one of it"
    );
    ensure!(Parser::is_component(bytes), "this is not a WebAssembly component (the first bytes are wrong)");
    Ok(())
}

/// A custom section at the top level of a file.
struct CustomSection<'a> {
    name: &'a str,
    data: Range<usize>,
    /// With its header.
    whole: Range<usize>,
}

/// Walks the top-level sections only: a nested component cannot smuggle in an executor.
fn custom_sections(bytes: &[u8]) -> Result<Vec<CustomSection<'_>>> {
    const CUSTOM: u8 = 0;
    let damaged = "the file is damaged or incomplete";
    let mut sections = Vec::new();
    let mut start = HEADER_BYTES;
    while start < bytes.len() {
        let mut reader = BinaryReader::new(&bytes[start..], start);
        let id = reader.read_u8().context(damaged)?;
        let length = reader.read_var_u32().context(damaged)? as usize;
        let end = reader.original_position().saturating_add(length);
        ensure!(end <= bytes.len(), "{damaged}: a section ends at byte {end} of {}", bytes.len());
        if id == CUSTOM {
            let name = reader.read_string().context(damaged)?;
            let data = reader.original_position()..end;
            ensure!(data.start <= end, "{damaged}: the name of a section is longer than the section");
            sections.push(CustomSection { name, data, whole: start..end });
        }
        start = end;
    }
    Ok(sections)
}

/// Appends a custom section: id 0, the size, the name with its length, the data.
fn append_section(file: &mut Vec<u8>, name: &str, data: &[u8]) -> Result<()> {
    let name_length = leb128(name.len())?;
    file.push(0);
    file.extend(leb128(name_length.len() + name.len() + data.len())?);
    file.extend(name_length);
    file.extend(name.bytes());
    file.extend(data);
    Ok(())
}

/// A length as unsigned LEB128.
fn leb128(length: usize) -> Result<Vec<u8>> {
    let mut rest = u32::try_from(length).context("a section is larger than 4 GiB")?;
    let mut bytes = Vec::new();
    loop {
        let seven = (rest & 0x7f) as u8;
        rest >>= 7;
        if rest == 0 {
            bytes.push(seven);
            return Ok(bytes);
        }
        bytes.push(seven | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An empty component: magic, version 13, layer 1.
    const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

    #[test]
    fn packed_executors_come_back_in_order_and_leave_the_judge_unchanged() {
        let mut file = EMPTY.to_vec();
        append_section(&mut file, "producers", b"someone").unwrap();
        let judge = file.clone();
        let big: Vec<u8> = [EMPTY, &[0, 201, 1, 1, b'x'], &[7; 199]].concat();
        append_section(&mut file, EXECUTOR_SECTION, &big).unwrap();
        append_section(&mut file, EXECUTOR_SECTION, EMPTY).unwrap();
        let package = Package::parse(&file).unwrap();
        assert_eq!(package.judge, judge);
        assert_eq!(package.executors, [big, EMPTY.to_vec()]);
        assert_eq!(package.digest, Digest::of(&file));
    }

    #[test]
    fn what_is_said_of_runs_is_read_and_leaves_the_judge_unchanged() {
        let mut file = EMPTY.to_vec();
        append_section(&mut file, EXECUTOR_SECTION, EMPTY).unwrap();
        assert!(!Package::parse(&file).unwrap().stops_at_out_of_fuel);
        let package = Package::parse(&stopping_at_out_of_fuel(file.clone()).unwrap()).unwrap();
        assert!(package.stops_at_out_of_fuel);
        assert_eq!((package.judge, package.executors.len()), (EMPTY.to_vec(), 1));
        append_section(&mut file, RUNS_SECTION, b"never").unwrap();
        assert!(Package::parse(&file).is_err());
    }

    #[test]
    fn a_nested_executor_is_not_found() {
        let mut nested = EMPTY.to_vec();
        append_section(&mut nested, EXECUTOR_SECTION, EMPTY).unwrap();
        let mut file = EMPTY.to_vec();
        // A component section (id 4).
        file.push(4);
        file.extend(leb128(nested.len()).unwrap());
        file.extend(&nested);
        let package = Package::parse(&file).unwrap();
        assert_eq!(package.executors.len(), 0);
        assert_eq!(package.judge, file);
    }

    #[test]
    fn every_truncation_is_refused_or_ends_before_an_executor() {
        let mut file = EMPTY.to_vec();
        append_section(&mut file, EXECUTOR_SECTION, EMPTY).unwrap();
        for length in 0..file.len() {
            match Package::parse(&file[..length]) {
                Ok(package) => assert_eq!((length, package.executors.len()), (EMPTY.len(), 0)),
                Err(error) => assert!(!format!("{error:#}").is_empty()),
            }
        }
    }
}
