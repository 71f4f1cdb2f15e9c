//! Models whose linear layers other programs have rounded to eight bits. `golden/make_int8.py` writes them.

use std::fs;
use std::path::Path;

use rekall_model::{Error, ErrorKind, LoadOptions, ModelSource, Precision, check, load};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::common::{Golden, copy_of, fixture};

const FIXTURES: [&str; 3] = ["int8-bitsandbytes", "int8-w8a8", "int8-w8a16"];

fn int8() -> LoadOptions {
    LoadOptions::new().precision(Precision::Int8)
}

/// The largest difference of an element from the reference's vectors of the same weights in floats, and the least cosine.
fn compared(name: &str, options: &LoadOptions) -> (f32, f64) {
    let model = load(&ModelSource::Path(fixture(name)), options).unwrap();
    let golden = Golden::read(name);
    let (mut worst, mut least, mut count) = (0.0_f32, 1.0_f64, 0);
    for (index, text) in golden.texts.iter().enumerate() {
        let row = match model.embed_query(text) {
            Err(Error::Unembeddable { .. }) => continue,
            row => row.unwrap(),
        };
        let expected = golden.unit_row(index).unwrap();
        assert_eq!(row.len(), expected.len());
        worst = row.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(worst, f32::max);
        least = least.min(row.iter().zip(&expected).map(|(a, b)| f64::from(a * b)).sum());
        count += 1;
    }
    assert!(count * 10 >= golden.texts.len() * 9, "{name}: {count}");
    (worst, least)
}

#[test]
fn multiplied_out_they_agree_with_the_reference() {
    for name in FIXTURES {
        let (worst, _) = compared(name, &LoadOptions::new());
        assert!(worst <= 1e-5, "{name}: {worst:e}");
    }
}

#[test]
fn in_eight_bits_they_are_near_it() {
    for name in FIXTURES {
        let (_, least) = compared(name, &int8());
        assert!(least > 0.995, "{name}: {least}");
        let source = ModelSource::Path(fixture(name));
        let (float, rounded) = (load(&source, &LoadOptions::new()).unwrap(), load(&source, &int8()).unwrap());
        assert!(!rounded.fingerprint().same_space(float.fingerprint()));
        assert!(rounded.memory_bytes() < float.memory_bytes());
    }
}

/// A tensor's name, type, shape and bytes.
type Tensor = (String, Dtype, Vec<usize>, Vec<u8>);

/// What is refused after `edit` of a fixture's tensors.
fn refusal(name: &str, edit: impl FnMut(&mut Vec<Tensor>)) -> String {
    let folder = copy_of(name);
    rewrite(folder.path(), edit);
    let error = load(&ModelSource::Path(folder.path().to_owned()), &int8()).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::InvalidModel, "{error}");
    error.to_string()
}

fn rewrite(folder: &Path, mut edit: impl FnMut(&mut Vec<Tensor>)) {
    let path = folder.join("model.safetensors");
    let file = fs::read(&path).unwrap();
    let tensors = SafeTensors::deserialize(&file).unwrap().tensors();
    let mut tensors = tensors
        .into_iter()
        .map(|(name, view)| (name, view.dtype(), view.shape().to_vec(), view.data().to_vec()))
        .collect();
    edit(&mut tensors);
    let views = tensors
        .iter()
        .map(|(name, dtype, shape, bytes)| (name, TensorView::new(*dtype, shape.clone(), bytes).unwrap()));
    fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}

#[test]
fn what_is_missing_or_wrong_is_named() {
    const QUERY: &str = "encoder.layer.0.attention.self.query";
    const UP: &str = "layers.0.mlp.up_proj";
    const INTO: &str = "layers.1.mlp.Wi";
    let refuses = |fixture: &str, tensor: &str, to: (Dtype, Vec<usize>, Vec<u8>), expected: &str| {
        let message = refusal(fixture, |tensors| {
            tensors.retain(|(name, ..)| name != tensor);
            let (dtype, shape, bytes) = to.clone();
            tensors.push((tensor.to_owned(), dtype, shape, bytes));
        });
        assert!(message.contains("model.safetensors: expected"), "{message}");
        assert!(message.contains(expected) && message.contains(tensor), "{message}");
    };
    let floats = |count: usize, x: f32| (Dtype::F32, vec![count], x.to_le_bytes().repeat(count));
    let (bnb, w8a8, w8a16) = ("int8-bitsandbytes", "int8-w8a8", "int8-w8a16");
    refuses(bnb, &format!("{QUERY}.SCB"), floats(31, 1.0), "of shape [32], got [31]");
    refuses(bnb, &format!("{QUERY}.SCB"), floats(32, f32::NAN), "finite numbers");
    refuses(bnb, &format!("{QUERY}.SCB"), (Dtype::I8, vec![32], vec![1; 32]), "in F32, F16 or BF16, got I8");
    refuses(
        bnb,
        &format!("{QUERY}.weight_format"),
        (Dtype::U8, vec![], vec![2]),
        "to be 0, row by row, got [2]",
    );
    refuses(
        bnb,
        &format!("{QUERY}.weight"),
        (Dtype::I8, vec![32, 31], vec![1; 32 * 31]),
        "of shape [32, 32]",
    );
    refuses(w8a8, &format!("{UP}.weight_scale"), floats(39, 1.0), "of shape [40], got [39]");
    refuses(w8a8, &format!("{UP}.weight_scale"), (Dtype::F32, vec![40, 2], vec![0; 320]), "of shape [40, 1]");
    refuses(
        w8a8,
        &format!("{UP}.weight_zero_point"),
        (Dtype::I8, vec![40, 1], vec![3; 40]),
        "but 0, got others",
    );
    refuses(
        w8a16,
        &format!("{INTO}.weight_packed"),
        (Dtype::I32, vec![84, 8], vec![0; 84 * 32]),
        "of shape [84, 9]",
    );
    refuses(
        w8a16,
        &format!("{INTO}.weight_packed"),
        (Dtype::I8, vec![84, 36], vec![0; 84 * 36]),
        "in I32, got I8",
    );
    let shape = [84_i64, 35].map(i64::to_le_bytes).concat();
    refuses(
        w8a16,
        &format!("{INTO}.weight_shape"),
        (Dtype::I64, vec![2], shape),
        "to be [84, 36], got [84, 35]",
    );
    for (fixture, tensor) in [
        (bnb, format!("{QUERY}.SCB")),
        (w8a8, format!("{UP}.weight_scale")),
        (w8a16, format!("{INTO}.weight_scale")),
        (w8a16, format!("{INTO}.weight_shape")),
    ] {
        let message = refusal(fixture, |tensors| tensors.retain(|(name, ..)| *name != tensor));
        assert!(message.contains(&format!("expected a tensor `{tensor}`")), "{message}");
    }
    // Zeros are what early versions wrote.
    let folder = copy_of(w8a8);
    rewrite(folder.path(), |tensors| {
        tensors.push((format!("{UP}.weight_zero_point"), Dtype::I8, vec![40, 1], vec![0; 40]));
    });
    load(&ModelSource::Path(folder.path().to_owned()), &int8()).unwrap();
}

#[test]
fn the_form_is_what_config_json_says() {
    let edited = |name: &str, from: &str, to: &str| {
        let folder = copy_of(name);
        let path = folder.path().join("config.json");
        let config = fs::read_to_string(&path).unwrap();
        assert!(config.contains(from), "{config}");
        fs::write(path, config.replace(from, to)).unwrap();
        folder
    };
    for (name, from, to, expected) in [
        ("int8-bitsandbytes", "\"bitsandbytes\"", "\"gptq\"", "got quant_method gptq"),
        (
            "int8-bitsandbytes",
            "\"load_in_8bit\": true",
            "\"load_in_8bit\": false",
            "load_in_8bit true, got false",
        ),
        ("int8-w8a8", "\"channel\"", "\"tensor\"", "a scale for each channel"),
        ("int8-w8a16", "\"pack-quantized\"", "\"marlin-24\"", "got \"marlin-24\""),
    ] {
        let folder = edited(name, from, to);
        let source = ModelSource::Path(folder.path().to_owned());
        // The weights need not be there.
        fs::write(folder.path().join("model.safetensors"), "").unwrap();
        for error in [check(&source, &int8()).unwrap_err(), load(&source, &int8()).err().unwrap()] {
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
            let message = error.to_string();
            assert!(message.contains("config.json: expected") && message.contains(expected), "{message}");
        }
    }
    // Without a word of it, integers are no weights.
    let folder = edited("int8-w8a8", "\"quantization_config\"", "\"other\"");
    let error = load(&ModelSource::Path(folder.path().to_owned()), &int8()).err().unwrap();
    assert!(error.to_string().contains("in F32, F16 or BF16, got I8"), "{error}");
}

#[cfg(feature = "candle")]
#[test]
fn devices_do_not_read_them() {
    let options = LoadOptions::new().device(rekall_model::Device::CandleCpu);
    let error = check(&ModelSource::Path(fixture("int8-bitsandbytes")), &options).unwrap_err();
    let expected = "device: expected the processor, on which alone weights in eight bits are read";
    assert!(error.to_string().starts_with(expected), "{error}");
}
