//! A transformer's weights, in one file or in several.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use super::quantization::Quantization;
use crate::Error;
use crate::bytes::Bytes;
use crate::files::{digest, digest_of_file};
use crate::mapped::MappedFile;
use crate::shards::{INDEX, Index};
use crate::tensors;

/// The name of weights in one file.
const WHOLE: &str = "model.safetensors";

/// Where a model's weights are.
#[derive(Debug)]
pub(super) struct WeightFiles {
    files: Vec<PathBuf>,
    /// What names several files.
    index: Option<(PathBuf, Index)>,
}

impl WeightFiles {
    /// Looks for a folder's weights: one file, or else several and their index.
    ///
    /// # Errors
    /// [`Error::MissingFile`] if there are none, or not all that the index names; [`Error::InvalidFile`] for an index
    /// that names none.
    pub(super) fn of(folder: &Path) -> Result<Self, Error> {
        let (whole, index_path) = (folder.join(WHOLE), folder.join(INDEX));
        if whole.exists() || !index_path.exists() {
            return Self::whole(whole, "a file of a sentence transformer");
        }
        let index = Index::read(&index_path)?;
        if let Some((tensor, file)) = index.tensors().find(|(_, file)| !folder.join(file).exists()) {
            let expected = format!("the file in which {INDEX} has `{tensor}`");
            return Err(Error::MissingFile { path: folder.join(file), expected });
        }
        let files = index.files().into_iter().map(|file| folder.join(file)).collect();
        Ok(Self { files, index: Some((index_path, index)) })
    }

    /// One file. `what`: what it is, if it is missing.
    ///
    /// # Errors
    /// [`Error::MissingFile`].
    pub(super) fn whole(path: PathBuf, what: &str) -> Result<Self, Error> {
        match path.exists() {
            true => Ok(Self { files: vec![path], index: None }),
            false => Err(Error::MissingFile { path, expected: what.into() }),
        }
    }

    /// The digest of the file; of several files that of their digests, whatever they are called.
    pub(super) fn digest(&self) -> Result<String, Error> {
        let mut digests: Vec<String> =
            self.files.iter().map(|path| digest_of_file(path)).collect::<Result<_, _>>()?;
        digests.sort_unstable();
        match &digests[..] {
            [one] if self.index.is_none() => Ok(one.clone()),
            several => Ok(digest(several.join("\n").as_bytes())),
        }
    }

    /// Maps the files.
    pub(super) fn map(&self) -> Result<MappedWeights<'_>, Error> {
        let map = |path: &PathBuf| Ok(Bytes::from_mapped(MappedFile::open(path)?));
        Ok(MappedWeights { of: self, bytes: self.files.iter().map(map).collect::<Result<_, Error>>()? })
    }
}

/// The same, mapped.
#[derive(Debug)]
pub(super) struct MappedWeights<'a> {
    of: &'a WeightFiles,
    bytes: Vec<Bytes>,
}

impl MappedWeights<'_> {
    /// The tensors of all files, with linear layers of this form.
    ///
    /// # Errors
    /// [`Error::InvalidFile`] for a file that is not whole, for a tensor that two files have, and for one that is not in
    /// the file that the index names.
    pub(super) fn tensors(&self, quantization: Quantization) -> Result<Tensors<'_>, Error> {
        let parse = |(path, bytes)| Ok(TensorFile { path, bytes, tensors: tensors::parse(path, bytes)? });
        let files = self.of.files.iter().map(PathBuf::as_path).zip(&self.bytes).map(parse);
        let files = files.collect::<Result<_, Error>>()?;
        let tensors = Tensors { named_by: self.named_by(), quantization, files };
        if let Some((_, index)) = &self.of.index {
            tensors.check(index)?;
        }
        Ok(tensors)
    }

    fn named_by(&self) -> &Path {
        let index = self.of.index.as_ref().map(|(path, _)| path);
        index.or(self.of.files.first()).map_or(Path::new(WHOLE), PathBuf::as_path)
    }

    /// Lets the operating system take the pages back until they are read again.
    pub(super) fn forget_pages(&self) {
        self.bytes.iter().for_each(Bytes::forget_pages);
    }
}

/// The tensors of a model.
#[derive(Debug)]
pub(super) struct Tensors<'a> {
    /// Blamed for a tensor that no file has: the one file, or the index.
    pub(super) named_by: &'a Path,
    /// The form of linear layers.
    pub(super) quantization: Quantization,
    files: Vec<TensorFile<'a>>,
}

#[derive(Debug)]
struct TensorFile<'a> {
    path: &'a Path,
    bytes: &'a Bytes,
    tensors: SafeTensors<'a>,
}

/// A tensor, and the file that has it.
pub(super) struct Found<'a> {
    pub(super) path: &'a Path,
    pub(super) bytes: &'a Bytes,
    pub(super) view: TensorView<'a>,
}

impl Found<'_> {
    /// A refusal of the file that has the tensor.
    pub(super) fn bad(&self, expected: String, got: String) -> Error {
        Error::invalid_file(self.path, expected, got)
    }

    pub(super) fn has_shape(&self, name: &str, shape: &[usize]) -> Result<(), Error> {
        match self.view.shape() {
            got if got == shape => Ok(()),
            got => Err(self.bad(format!("`{name}` of shape {shape:?}"), format!("{got:?}"))),
        }
    }

    pub(super) fn has_type(&self, name: &str, dtype: Dtype) -> Result<(), Error> {
        match self.view.dtype() {
            got if got == dtype => Ok(()),
            got => Err(self.bad(format!("`{name}` in {dtype:?}"), format!("{got:?}"))),
        }
    }
}

impl<'a> Tensors<'a> {
    pub(super) fn find(&self, name: &str) -> Option<Found<'a>> {
        self.files.iter().find_map(|TensorFile { path, bytes, tensors }| {
            Some(Found { path, bytes, view: tensors.tensor(name).ok()? })
        })
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.files.iter().flat_map(|file| file.tensors.names())
    }

    /// The bytes of each file.
    #[cfg(feature = "candle")]
    pub(super) fn files(&self) -> impl Iterator<Item = (&'a Path, &'a Bytes)> {
        self.files.iter().map(|file| (file.path, file.bytes))
    }

    fn check(&self, index: &Index) -> Result<(), Error> {
        let mut places = BTreeMap::new();
        for TensorFile { path, tensors, .. } in &self.files {
            for name in tensors.names() {
                if let Some(other) = places.insert(name, path) {
                    let expected = format!("tensor `{name}` in one file alone");
                    return Err(Error::invalid_file(
                        path,
                        expected,
                        format!("it is in {} too", name_of(other)),
                    ));
                }
            }
        }
        for (tensor, file) in index.tensors() {
            let place = places.get(tensor);
            if place.is_none_or(|place| name_of(place) != file) {
                let path = self.named_by.with_file_name(file);
                let expected = format!("the tensor `{tensor}`, which {INDEX} has there");
                let got =
                    place.map_or("none of that name".into(), |place| format!("it in {}", name_of(place)));
                return Err(Error::invalid_file(&path, expected, got));
            }
        }
        Ok(())
    }
}

fn name_of(path: &Path) -> std::borrow::Cow<'_, str> {
    path.file_name().unwrap_or_default().to_string_lossy()
}
