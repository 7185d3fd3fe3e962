//! One directory, `/`, with the directories in it that the operator grants: names and contents, which nothing changes.

use std::{
    path::{Component, Path},
    sync::Arc,
};

use azr_core::task::Digest;
use wasmtime::{Result, component::Resource};
use wasmtime_wasi::{
    filesystem::Descriptor,
    p2::{
        DynInputStream, DynOutputStream, FsError, FsResult,
        bindings::{
            filesystem::{preopens, types as code},
            sync::filesystem::types::{
                self, Advice, DescriptorFlags, DescriptorStat, DescriptorType, DirectoryEntry, DirectoryEntryStream,
                ErrorCode, MetadataHashValue, NewTimestamp, OpenFlags, PathFlags,
            },
        },
    },
};

use super::{
    super::found::{FileError, Found},
    CALL_FUEL, ELEMENT_FUEL, FIND_FUEL, Wasi,
    streams::{CHUNK_BYTES_MAX, Source},
};

/// Where a directory or file is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Location {
    Root,
    /// In a granted directory: its name, and the path there.
    In {
        directory: String,
        path: String,
    },
}

/// What stands behind a descriptor.
#[derive(Clone)]
struct Opened {
    place: Location,
    /// Of a file. It is read when it is opened.
    content: Option<Arc<[u8]>>,
}

/// The rest of a directory's entries.
type Entries = std::vec::IntoIter<DirectoryEntry>;

impl Opened {
    fn directory(place: Location) -> Self {
        Self { place, content: None }
    }

    fn kind(&self) -> DescriptorType {
        if self.content.is_some() { DescriptorType::RegularFile } else { DescriptorType::Directory }
    }

    fn content(&self) -> FsResult<Arc<[u8]>> {
        self.content.clone().ok_or_else(|| code::ErrorCode::IsDirectory.into())
    }

    /// The place that a path from here leads to. Within a granted directory, cap-std walks it later.
    fn place(&self, path: &str) -> FsResult<Location> {
        let path = Path::new(path);
        match &self.place {
            _ if self.content.is_some() => Err(code::ErrorCode::NotDirectory.into()),
            _ if path.is_absolute() => Err(code::ErrorCode::NotPermitted.into()),
            _ if path.as_os_str().is_empty() => Err(code::ErrorCode::NoEntry.into()),
            Location::In { directory, path: here } => {
                let path = Path::new(here).join(path).to_string_lossy().into_owned();
                Ok(Location::In { directory: directory.clone(), path })
            }
            Location::Root => from_root(path),
        }
    }

    fn stat(&self) -> DescriptorStat {
        stat(match &self.content {
            Some(content) => Found::File(content.len() as u64),
            None => Found::Directory,
        })
    }
}

fn from_root(path: &Path) -> FsResult<Location> {
    let mut components = path.components().filter(|component| *component != Component::CurDir);
    match components.next() {
        None => Ok(Location::Root),
        Some(Component::Normal(directory)) => Ok(Location::In {
            directory: directory.to_string_lossy().into_owned(),
            path: Path::new(".").join(components.collect::<std::path::PathBuf>()).to_string_lossy().into_owned(),
        }),
        Some(_) => Err(code::ErrorCode::NotPermitted.into()),
    }
}

fn stat(found: Found) -> DescriptorStat {
    DescriptorStat {
        type_: kind(found),
        link_count: 1,
        size: match found {
            Found::Directory => 0,
            Found::File(bytes) => bytes,
        },
        data_access_timestamp: None,
        data_modification_timestamp: None,
        status_change_timestamp: None,
    }
}

fn kind(found: Found) -> DescriptorType {
    match found {
        Found::Directory => DescriptorType::Directory,
        Found::File(_) => DescriptorType::RegularFile,
    }
}

/// Of the place alone, which decides what is there.
fn hash(place: &Location) -> MetadataHashValue {
    let Digest(bytes) = match place {
        Location::Root => Digest::of("/"),
        Location::In { directory, path } => Digest::of(format!("/{directory}/{path}")),
    };
    let half = |half: usize| u64::from_le_bytes(bytes[8 * half..][..8].try_into().expect("eight bytes"));
    MetadataHashValue { lower: half(0), upper: half(1) }
}

fn refused(error: FileError) -> FsError {
    match error {
        FileError::NotFound => code::ErrorCode::NoEntry,
        FileError::NotPermitted => code::ErrorCode::NotPermitted,
        FileError::NotADirectory => code::ErrorCode::NotDirectory,
        FileError::IsADirectory => code::ErrorCode::IsDirectory,
        FileError::Invalid => code::ErrorCode::Invalid,
        FileError::NameTooLong => code::ErrorCode::NameTooLong,
        FileError::Quota => code::ErrorCode::Quota,
        FileError::Other => code::ErrorCode::Io,
    }
    .into()
}

impl Wasi {
    fn pay_files(&mut self, fuel: u64) -> FsResult<()> {
        self.pay(fuel).map_err(FsError::trap)
    }

    fn opened(&mut self, descriptor: &Resource<Descriptor>) -> FsResult<Opened> {
        self.pay_files(CALL_FUEL)?;
        Ok(self.kept::<Opened, _>(descriptor).map_err(FsError::trap)?.clone())
    }

    /// The place and what is there.
    fn find(&mut self, descriptor: &Resource<Descriptor>, path: &str) -> FsResult<(Location, Found)> {
        let from = self.opened(descriptor)?;
        self.pay_files(FIND_FUEL.saturating_add(ELEMENT_FUEL * path.len() as u64))?;
        let place = from.place(path)?;
        let found = match &place {
            Location::Root => Found::Directory,
            Location::In { directory, path } => self.files.find(directory, path).map_err(refused)?,
        };
        Ok((place, found))
    }

    fn open(&mut self, place: Location, found: Found) -> FsResult<Opened> {
        let (Found::File(bytes), Location::In { directory, path }) = (found, &place) else {
            return Ok(Opened::directory(place));
        };
        self.pay_files(FIND_FUEL.saturating_add(bytes))?;
        let content = self.files.content(directory, path).map_err(refused)?;
        Ok(Opened { place, content: Some(content.into()) })
    }

    fn entries(&mut self, opened: &Opened) -> FsResult<Vec<DirectoryEntry>> {
        self.pay_files(FIND_FUEL)?;
        let (directory, path) = match &opened.place {
            _ if opened.content.is_some() => return Err(code::ErrorCode::NotDirectory.into()),
            Location::Root => {
                let entry = |name| DirectoryEntry { type_: DescriptorType::Directory, name };
                return Ok(self.files.directories().into_iter().map(entry).collect());
            }
            Location::In { directory, path } => (directory, path),
        };
        let names = self.files.sorted(directory, path).map_err(refused)?;
        self.pay_files(FIND_FUEL.saturating_mul(names.len() as u64))?;
        let entry = |name: String| {
            let there = Path::new(path).join(&name);
            // A link that leads nowhere, and what is neither file nor directory, has a name and no more.
            let found = self.files.find(directory, &there.to_string_lossy());
            DirectoryEntry { type_: found.map_or(DescriptorType::Unknown, kind), name }
        };
        Ok(names.into_iter().map(entry).collect())
    }

    /// What every function answers that would change something.
    fn unchanged<T>(&mut self) -> FsResult<T> {
        self.pay_files(CALL_FUEL)?;
        Err(code::ErrorCode::ReadOnly.into())
    }
}

impl preopens::Host for Wasi {
    fn get_directories(&mut self) -> Result<Vec<(Resource<Descriptor>, String)>> {
        self.pay(CALL_FUEL)?;
        Ok(vec![(self.keep(Opened::directory(Location::Root))?, "/".to_owned())])
    }
}

impl types::Host for Wasi {
    fn convert_error_code(&mut self, error: FsError) -> Result<ErrorCode> {
        Ok(error.downcast()?.into())
    }

    fn filesystem_error_code(&mut self, _: Resource<wasmtime::Error>) -> Result<Option<ErrorCode>> {
        self.pay(CALL_FUEL)?;
        Ok(None)
    }
}

impl types::HostDescriptor for Wasi {
    fn read_via_stream(&mut self, file: Resource<Descriptor>, offset: u64) -> FsResult<Resource<DynInputStream>> {
        let content = self.opened(&file)?.content()?;
        self.keep(Source::new(content, offset)).map_err(FsError::trap)
    }

    fn read(&mut self, file: Resource<Descriptor>, length: u64, offset: u64) -> FsResult<(Vec<u8>, bool)> {
        let content = self.opened(&file)?.content()?;
        let length = length.min(CHUNK_BYTES_MAX);
        self.pay_files(length)?;
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(content.len());
        let end = content.len().min(start + length as usize);
        Ok((content[start..end].to_vec(), end == content.len()))
    }

    fn read_directory(&mut self, directory: Resource<Descriptor>) -> FsResult<Resource<DirectoryEntryStream>> {
        let opened = self.opened(&directory)?;
        let entries: Entries = self.entries(&opened)?.into_iter();
        self.keep(entries).map_err(FsError::trap)
    }

    fn open_at(
        &mut self,
        from: Resource<Descriptor>,
        _: PathFlags,
        path: String,
        open: OpenFlags,
        flags: DescriptorFlags,
    ) -> FsResult<Resource<Descriptor>> {
        if open.intersects(OpenFlags::CREATE | OpenFlags::TRUNCATE) || flags.contains(DescriptorFlags::WRITE) {
            return self.unchanged();
        }
        let (place, found) = self.find(&from, &path)?;
        if open.contains(OpenFlags::DIRECTORY) && matches!(found, Found::File(_)) {
            return Err(code::ErrorCode::NotDirectory.into());
        }
        let opened = self.open(place, found)?;
        self.keep(opened).map_err(FsError::trap)
    }

    fn stat(&mut self, descriptor: Resource<Descriptor>) -> FsResult<DescriptorStat> {
        Ok(self.opened(&descriptor)?.stat())
    }

    fn stat_at(&mut self, from: Resource<Descriptor>, _: PathFlags, path: String) -> FsResult<DescriptorStat> {
        Ok(stat(self.find(&from, &path)?.1))
    }

    fn metadata_hash(&mut self, descriptor: Resource<Descriptor>) -> FsResult<MetadataHashValue> {
        Ok(hash(&self.opened(&descriptor)?.place))
    }

    fn metadata_hash_at(
        &mut self,
        from: Resource<Descriptor>,
        _: PathFlags,
        path: String,
    ) -> FsResult<MetadataHashValue> {
        Ok(hash(&self.find(&from, &path)?.0))
    }

    fn is_same_object(&mut self, one: Resource<Descriptor>, other: Resource<Descriptor>) -> Result<bool> {
        self.pay(2 * CALL_FUEL)?;
        let one = self.kept::<Opened, _>(&one)?.place.clone();
        Ok(one == self.kept::<Opened, _>(&other)?.place)
    }

    fn get_flags(&mut self, _: Resource<Descriptor>) -> FsResult<DescriptorFlags> {
        self.pay_files(CALL_FUEL)?;
        Ok(DescriptorFlags::READ)
    }

    fn get_type(&mut self, descriptor: Resource<Descriptor>) -> FsResult<DescriptorType> {
        Ok(self.opened(&descriptor)?.kind())
    }

    fn advise(&mut self, _: Resource<Descriptor>, _: u64, _: u64, _: Advice) -> FsResult<()> {
        self.pay_files(CALL_FUEL)
    }

    fn sync(&mut self, _: Resource<Descriptor>) -> FsResult<()> {
        self.pay_files(CALL_FUEL)
    }

    fn sync_data(&mut self, _: Resource<Descriptor>) -> FsResult<()> {
        self.pay_files(CALL_FUEL)
    }

    /// Links are followed, and never seen.
    fn readlink_at(&mut self, _: Resource<Descriptor>, _: String) -> FsResult<String> {
        self.pay_files(CALL_FUEL)?;
        Err(code::ErrorCode::Invalid.into())
    }

    fn write_via_stream(&mut self, _: Resource<Descriptor>, _: u64) -> FsResult<Resource<DynOutputStream>> {
        self.unchanged()
    }

    fn append_via_stream(&mut self, _: Resource<Descriptor>) -> FsResult<Resource<DynOutputStream>> {
        self.unchanged()
    }

    fn write(&mut self, _: Resource<Descriptor>, _: Vec<u8>, _: u64) -> FsResult<u64> {
        self.unchanged()
    }

    fn set_size(&mut self, _: Resource<Descriptor>, _: u64) -> FsResult<()> {
        self.unchanged()
    }

    fn set_times(&mut self, _: Resource<Descriptor>, _: NewTimestamp, _: NewTimestamp) -> FsResult<()> {
        self.unchanged()
    }

    fn set_times_at(
        &mut self,
        _: Resource<Descriptor>,
        _: PathFlags,
        _: String,
        _: NewTimestamp,
        _: NewTimestamp,
    ) -> FsResult<()> {
        self.unchanged()
    }

    fn create_directory_at(&mut self, _: Resource<Descriptor>, _: String) -> FsResult<()> {
        self.unchanged()
    }

    fn link_at(
        &mut self,
        _: Resource<Descriptor>,
        _: PathFlags,
        _: String,
        _: Resource<Descriptor>,
        _: String,
    ) -> FsResult<()> {
        self.unchanged()
    }

    fn remove_directory_at(&mut self, _: Resource<Descriptor>, _: String) -> FsResult<()> {
        self.unchanged()
    }

    fn rename_at(&mut self, _: Resource<Descriptor>, _: String, _: Resource<Descriptor>, _: String) -> FsResult<()> {
        self.unchanged()
    }

    fn symlink_at(&mut self, _: Resource<Descriptor>, _: String, _: String) -> FsResult<()> {
        self.unchanged()
    }

    fn unlink_file_at(&mut self, _: Resource<Descriptor>, _: String) -> FsResult<()> {
        self.unchanged()
    }

    fn drop(&mut self, descriptor: Resource<Descriptor>) -> Result<()> {
        self.dropped::<Opened, _>(&descriptor)
    }
}

impl types::HostDirectoryEntryStream for Wasi {
    fn read_directory_entry(&mut self, stream: Resource<DirectoryEntryStream>) -> FsResult<Option<DirectoryEntry>> {
        self.pay_files(CALL_FUEL)?;
        Ok(self.kept::<Entries, _>(&stream).map_err(FsError::trap)?.next())
    }

    fn drop(&mut self, stream: Resource<DirectoryEntryStream>) -> Result<()> {
        self.dropped::<Entries, _>(&stream)
    }
}
