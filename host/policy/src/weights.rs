//! Files of a policy directory: read, mapped, written.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap},
    fs::File,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, Result, bail, ensure};
use memmap2::{Mmap, UncheckedAdvice};
use safetensors::{
    Dtype as StoredDtype, SafeTensors, View,
    tensor::{Metadata, TensorInfo, TensorView},
};
use tch::{Device, Kind, Tensor};

use azr_config::Preset;

/// The one file of weights that saving writes.
pub const WEIGHTS_FILE: &str = "model.safetensors";

/// Says which tensor is in which file where the weights are in several.
pub const INDEX_FILE: &str = "model.safetensors.index.json";

/// The head, which is stored or is the embedding.
pub(crate) const HEAD: &str = "lm_head.weight";
pub(crate) const EMBEDDING: &str = "model.embed_tokens.weight";

/// What a policy is made of besides its weights. Those that exist are kept and saved again unchanged.
pub const SIDE_FILES: [&str; 11] = [
    Preset::POLICY_FILE,
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.jinja",
    "vocab.json",
    "merges.txt",
    "tokenizer.model",
];

/// The bytes of one file.
enum Bytes {
    Mapped(Mmap),
    Owned(Vec<u8>),
}

/// The files of a policy: a directory, or slices in memory.
pub struct Files {
    /// For messages.
    origin: String,
    files: HashMap<String, Bytes>,
}

/// Tensors of all weight files, found by name.
pub struct Checkpoint<'a> {
    origin: &'a str,
    parts: Vec<(String, SafeTensors<'a>)>,
}

/// A tensor as safetensors wants to see it.
struct Stored {
    tensor: Tensor,
    shape: Vec<usize>,
    dtype: StoredDtype,
}

impl Files {
    /// Opens a directory. Weight files are mapped, not read.
    pub fn open(dir: &Path) -> Result<Self> {
        let entries =
            std::fs::read_dir(dir).with_context(|| format!("cannot read the policy directory {}", dir.display()))?;
        let mut files = HashMap::new();
        for entry in entries {
            let path = entry?.path();
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
                continue;
            };
            if name.ends_with(".safetensors") {
                let file = File::open(&path).with_context(|| format!("cannot open {}", path.display()))?;
                // SAFETY: the map is read-only; a file truncated by someone else while loading ends the process, as
                // it would for every program that maps weights.
                let map = unsafe { Mmap::map(&file) }.with_context(|| format!("cannot map {}", path.display()))?;
                files.insert(name.to_owned(), Bytes::Mapped(map));
            } else if SIDE_FILES.contains(&name) || name == INDEX_FILE {
                let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
                files.insert(name.to_owned(), Bytes::Owned(bytes));
            }
        }
        Ok(Self { origin: dir.display().to_string(), files })
    }

    /// Files in memory; `origin` names them in messages.
    pub fn in_memory(origin: &str, files: &[(&str, &[u8])]) -> Self {
        let files = files.iter().map(|(name, bytes)| ((*name).to_owned(), Bytes::Owned(bytes.to_vec()))).collect();
        Self { origin: origin.to_owned(), files }
    }

    pub fn origin(&self) -> &str {
        &self.origin
    }

    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.files.get(name).map(Bytes::as_slice)
    }

    pub fn require(&self, name: &str) -> Result<&[u8]> {
        let missing = || format!("{} has no {name}; a policy is a directory as transformers saves it", self.origin);
        self.get(name).with_context(missing)
    }

    /// The side files there are, by name.
    pub fn side_files(&self) -> Vec<(String, Arc<[u8]>)> {
        let present = SIDE_FILES.iter().filter_map(|name| Some((name, self.get(name)?)));
        present.map(|(name, bytes)| ((*name).to_owned(), bytes.into())).collect()
    }

    /// The weights: `model.safetensors`, or the files that `model.safetensors.index.json` names. A directory may hold
    /// other safetensors files beside the model's.
    pub fn checkpoint(&self) -> Result<Checkpoint<'_>> {
        let origin = &self.origin;
        let names = match self.get(INDEX_FILE) {
            _ if self.files.contains_key(WEIGHTS_FILE) => vec![WEIGHTS_FILE.to_owned()],
            Some(index) => indexed_files(index).with_context(|| origin.clone())?,
            None => bail!("{origin} has no {WEIGHTS_FILE} and no {INDEX_FILE}"),
        };
        let parse = |name: String| {
            let bytes = self.get(&name).with_context(|| format!("{origin} has no {name}, which {INDEX_FILE} names"))?;
            let part = SafeTensors::deserialize(bytes)
                .with_context(|| format!("{origin}/{name} is not a whole safetensors file; fetch it again"))?;
            anyhow::Ok((name, part))
        };
        Ok(Checkpoint { origin, parts: names.into_iter().map(parse).collect::<Result<_>>()? })
    }
}

/// The files that an index names, in order, each once.
pub fn indexed_files(index: &[u8]) -> Result<Vec<String>> {
    let index: serde_json::Value =
        serde_json::from_slice(index).with_context(|| format!("{INDEX_FILE} is not JSON"))?;
    let map = index["weight_map"].as_object().with_context(|| format!("{INDEX_FILE} has no weight_map"))?;
    let mut files = BTreeSet::new();
    for (tensor, file) in map {
        let file = file.as_str().unwrap_or_default();
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        ensure!(
            file.ends_with(".safetensors") && !file.starts_with('.') && file.chars().all(plain),
            "{INDEX_FILE} puts {tensor} into {file:?}; a file of the directory that ends in .safetensors is meant"
        );
        files.insert(file.to_owned());
    }
    ensure!(!files.is_empty(), "{INDEX_FILE} names no tensor");
    Ok(files.into_iter().collect())
}

impl Bytes {
    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Owned(bytes) => bytes,
        }
    }
}

impl Checkpoint<'_> {
    fn view(&self, name: &str) -> Option<(&str, TensorView<'_>)> {
        self.parts.iter().find_map(|(file, part)| Some((&**file, part.tensor(name).ok()?)))
    }

    /// Whether a head is stored that differs from a stored embedding: then transformers does not tie the two, whatever
    /// `config.json` says.
    pub(crate) fn has_own_head(&self) -> bool {
        match (self.view(HEAD), self.view(EMBEDDING)) {
            (Some((_, head)), Some((_, embedding))) => {
                head.dtype() != embedding.dtype() || head.data() != embedding.data()
            }
            _ => false,
        }
    }

    /// The same where head and embedding are one matrix, whichever of them is stored.
    pub(crate) fn tied(&self, name: &str, shape: &[i64]) -> Result<Tensor> {
        let stored = if name == EMBEDDING && self.view(EMBEDDING).is_none() { HEAD } else { name };
        self.tensor(if self.view(stored).is_some() { stored } else { name }, shape)
    }

    /// A copy of the named tensor on the CPU, in its stored dtype.
    pub fn tensor(&self, name: &str, shape: &[i64]) -> Result<Tensor> {
        let (file, view) = self.view(name).with_context(|| format!("{} has no tensor {name}", self.origin))?;
        let stored: Vec<i64> = view.shape().iter().map(|&size| size as i64).collect();
        let origin = self.origin;
        ensure!(
            stored == shape,
            "{origin}/{file}: {name} has shape {stored:?}, but config.json makes it {shape:?}; they belong to different models"
        );
        let kind = kind_of(view.dtype()).with_context(|| format!("{origin}/{file}: {name}"))?;
        Ok(Tensor::f_from_data_size(view.data(), &stored, kind)?)
    }

    /// Fails on tensors that were not asked for: the model would compute something else than it was trained for.
    pub fn refuse_others(&self, known: &[String]) -> Result<()> {
        for (file, part) in &self.parts {
            let ignorable = |name: &str| name.ends_with("rotary_emb.inv_freq") || name == HEAD;
            let other = part.names().into_iter().find(|name| !ignorable(name) && !known.iter().any(|k| k == name));
            if let Some(name) = other {
                bail!(
                    "{}/{file} has a tensor {name} that this family does not use; check model_type in config.json",
                    self.origin
                );
            }
        }
        Ok(())
    }
}

/// Writes tensors as safetensors in the form that `transformers` loads.
pub fn write(path: &Path, tensors: &[(String, Tensor)]) -> Result<()> {
    let stored = tensors.iter().map(|(name, tensor)| Ok((name.as_str(), Stored::new(tensor)?)));
    let stored = stored.collect::<Result<Vec<_>>>()?;
    // transformers refuses a file that does not say which framework's layout it has.
    let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    safetensors::serialize_to_file(stored, Some(metadata), path)
        .with_context(|| format!("cannot write {}", path.display()))
}

/// A safetensors file, of which nothing is in memory but what is being read.
pub struct TensorFile {
    path: PathBuf,
    map: Mmap,
    metadata: Metadata,
    /// Where the numbers begin.
    start: usize,
}

impl TensorFile {
    /// Maps the file and reads what it has.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        // SAFETY: as in `Files::open`.
        let map = unsafe { Mmap::map(&file) }.with_context(|| format!("cannot map {}", path.display()))?;
        let (header, metadata) = SafeTensors::read_metadata(&map)
            .with_context(|| format!("{} is not a whole safetensors file", path.display()))?;
        // The length of the header in eight bytes, then the header.
        Ok(Self { path: path.to_owned(), map, metadata, start: header + 8 })
    }

    /// The names of its tensors.
    pub fn names(&self) -> Vec<String> {
        self.metadata.tensors().into_keys().collect()
    }

    /// Copies the numbers of a tensor to where `into` has its own, in whatever dtype and on whatever device.
    pub fn copy_into(&self, name: &str, into: &Tensor) -> Result<()> {
        let path = self.path.display();
        let info = self.metadata.info(name);
        let info = info.with_context(|| format!("{path} has no {name}; it belongs to another setting"))?;
        let stored: Vec<i64> = info.shape.iter().map(|&size| size as i64).collect();
        let wanted = into.size();
        ensure!(stored == wanted, "{path}: {name} has shape {stored:?}, not {wanted:?}");
        self.view(info, &stored, |view| Ok(into.shallow_clone().f_copy_(view).map(drop)?))
    }

    /// A tensor of its own.
    pub fn read(&self, name: &str) -> Result<Tensor> {
        let info = self.metadata.info(name).with_context(|| format!("{} has no {name}", self.path.display()))?;
        let shape: Vec<i64> = info.shape.iter().map(|&size| size as i64).collect();
        self.view(info, &shape, |view| {
            let mut own = view.f_empty_like()?;
            own.f_copy_(view)?;
            Ok(own)
        })
    }

    /// Shows a tensor in the mapped file, and lets go of its pages after that.
    fn view<T>(&self, info: &TensorInfo, shape: &[i64], see: impl FnOnce(&Tensor) -> Result<T>) -> Result<T> {
        let (first, end) = (self.start + info.data_offsets.0, self.start + info.data_offsets.1);
        let (bytes, kind) = (&self.map[first..end], kind_of(info.dtype)?);
        let strides: Vec<i64> = (1..=shape.len()).map(|i| shape[i..].iter().product()).collect();
        let seen = if bytes.as_ptr().align_offset(kind.elt_size_in_bytes()) == 0 {
            // SAFETY: the tensor is of this shape, as reading the header has checked, and is only read while the map lives.
            see(&unsafe { Tensor::f_from_blob(bytes.as_ptr(), shape, &strides, kind, Device::Cpu)? })?
        } else {
            see(&Tensor::f_from_data_size(bytes, shape, kind)?)?
        };
        // SAFETY: the map is of a file and read-only, so pages that are dropped come back as they were.
        unsafe { self.map.unchecked_advise_range(UncheckedAdvice::DontNeed, first, end - first) }
            .context("cannot let go of pages")?;
        Ok(seen)
    }
}

impl Stored {
    fn new(tensor: &Tensor) -> Result<Self> {
        let tensor = tensor.f_detach()?.f_to_device(Device::Cpu)?.f_contiguous()?;
        let dtype = match tensor.kind() {
            Kind::Float => StoredDtype::F32,
            Kind::BFloat16 => StoredDtype::BF16,
            Kind::Int64 => StoredDtype::I64,
            Kind::Uint8 => StoredDtype::U8,
            other => bail!("tensors of {other:?} are not saved"),
        };
        let shape = tensor.size().into_iter().map(|size| size as usize).collect();
        Ok(Self { tensor, shape, dtype })
    }
}

impl View for Stored {
    fn dtype(&self) -> StoredDtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        // SAFETY: contiguous, on the CPU, and alive as long as `self`.
        Cow::Borrowed(unsafe { std::slice::from_raw_parts(self.tensor.data_ptr().cast::<u8>(), self.data_len()) })
    }

    fn data_len(&self) -> usize {
        self.tensor.numel() * self.tensor.kind().elt_size_in_bytes()
    }
}

fn kind_of(dtype: StoredDtype) -> Result<Kind> {
    match dtype {
        StoredDtype::F32 => Ok(Kind::Float),
        StoredDtype::BF16 => Ok(Kind::BFloat16),
        StoredDtype::F16 => Ok(Kind::Half),
        StoredDtype::I64 => Ok(Kind::Int64),
        StoredDtype::U8 => Ok(Kind::Uint8),
        other => bail!("dtype {other:?} is not supported; use F32, BF16 or F16"),
    }
}
