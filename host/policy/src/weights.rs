//! Files of a policy directory: read, mapped, written.

use std::{borrow::Cow, collections::HashMap, fs::File, path::Path, sync::Arc};

use anyhow::{Context as _, Result, bail, ensure};
use memmap2::Mmap;
use safetensors::{Dtype as StoredDtype, SafeTensors, View};
use tch::{Device, Kind, Tensor};

use azr_config::Preset;

/// The one file of weights that saving writes.
pub const WEIGHTS_FILE: &str = "model.safetensors";

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
    parts: Vec<(&'a str, SafeTensors<'a>)>,
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
            } else if SIDE_FILES.contains(&name) {
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

    /// The weights: `model.safetensors`, or the parts that `model.safetensors.index.json` stands for.
    pub fn checkpoint(&self) -> Result<Checkpoint<'_>> {
        let mut names: Vec<&String> = self.files.keys().filter(|name| name.ends_with(".safetensors")).collect();
        names.sort();
        // A directory may hold other safetensors files beside the model's.
        if self.files.contains_key(WEIGHTS_FILE) {
            names.retain(|name| *name == WEIGHTS_FILE);
        } else {
            names.retain(|name| name.starts_with("model-"));
        }
        ensure!(!names.is_empty(), "{} has no {WEIGHTS_FILE} and no model-*.safetensors", self.origin);
        let parse = |name: &'_ String| {
            let bytes = self.files[name].as_slice();
            SafeTensors::deserialize(bytes)
                .with_context(|| format!("{}/{name} is not a whole safetensors file; fetch it again", self.origin))
        };
        let parts = names.into_iter().map(|name| Ok((name.as_str(), parse(name)?))).collect::<Result<_>>()?;
        Ok(Checkpoint { origin: &self.origin, parts })
    }
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
    /// A copy of the named tensor on the CPU, in its stored dtype.
    pub fn tensor(&self, name: &str, shape: &[i64]) -> Result<Tensor> {
        let found = self.parts.iter().find_map(|(file, part)| Some((file, part.tensor(name).ok()?)));
        let (file, view) = found.with_context(|| format!("{} has no tensor {name}", self.origin))?;
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
            let ignorable = |name: &str| name.ends_with("rotary_emb.inv_freq") || name == "lm_head.weight";
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

/// All tensors of a safetensors file, on the CPU, by name.
pub fn read(path: &Path) -> Result<Vec<(String, Tensor)>> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let parsed = SafeTensors::deserialize(&bytes)
        .with_context(|| format!("{} is not a whole safetensors file", path.display()))?;
    let load = |(name, view): (String, safetensors::tensor::TensorView<'_>)| {
        let shape: Vec<i64> = view.shape().iter().map(|&size| size as i64).collect();
        Ok((name, Tensor::f_from_data_size(view.data(), &shape, kind_of(view.dtype())?)?))
    };
    parsed.tensors().into_iter().map(load).collect()
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
