//! Thousands of random mutations of the fixtures' files, from a seed.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::common::{FILES, INDEX};
use crate::counting;
use crate::folder::{MOST_AT_ONCE, Model};
use crate::tokenizers::{charsmap, leaf};

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

const NUMBERS: [&str; 14] = [
    "0",
    "1",
    "-1",
    "2",
    "255",
    "256",
    "65536",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "18446744073709551615",
    "1099511627776",
    "1e308",
    "-1e-308",
];

fn values(random: &mut Random) -> Value {
    match random.below(10) {
        0 => Value::Null,
        1 => json!([]),
        2 => json!({}),
        3 => json!(""),
        4 => json!(true),
        5 => json!("x".repeat(random.below(5_000))),
        6 => json!(["a", -1.0]),
        7 => json!(" "),
        _ => serde_json::from_str(NUMBERS[random.below(NUMBERS.len())]).unwrap(),
    }
}

/// The paths of all values, but only a few of a vocabulary's.
fn places(value: &Value, path: &str, out: &mut Vec<String>) {
    out.push(path.to_owned());
    match value {
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate().take(12) {
                places(item, &format!("{path}/{at}"), out);
            }
        }
        Value::Object(members) => {
            for (key, item) in members.iter().take(12) {
                places(item, &format!("{path}/{}", key.replace('~', "~0").replace('/', "~1")), out);
            }
        }
        _ => {}
    }
}

fn mutate_json(text: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    let mut json: Value = serde_json::from_slice(text).ok()?;
    let mut paths = Vec::new();
    places(&json, "", &mut paths);
    for _ in 0..=random.below(2) {
        let path = paths[random.below(paths.len())].clone();
        let other = json.pointer(&paths[random.below(paths.len())]).cloned();
        let Some(place) = json.pointer_mut(&path) else { continue };
        match (random.below(4), place) {
            (0, place) => *place = other?,
            (1, Value::Array(items)) if !items.is_empty() => {
                let item = items[random.below(items.len())].clone();
                let times = 1 + random.below(100);
                items.extend(std::iter::repeat_n(item, times));
            }
            (1, Value::Object(members)) => {
                let key = members.keys().nth(random.below(members.len())).cloned();
                key.and_then(|key| members.remove(&key));
            }
            // Base64 of a character map: its bytes rather than its letters.
            (_, Value::String(text)) if text.len() > 1_000 => {
                let mut blob = BASE64_STANDARD.decode(&*text).ok()?;
                mutate_bytes(&mut blob, random);
                *text = BASE64_STANDARD.encode(blob);
            }
            (_, place) => *place = values(random),
        }
    }
    serde_json::to_vec(&json).ok()
}

fn mutate_bytes(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(3) {
        // The beginning matters most: lengths and headers.
        let at =
            if random.below(2) == 0 { random.below(bytes.len().min(64)) } else { random.below(bytes.len()) };
        match random.below(7) {
            0 => bytes.truncate(at),
            1 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            2 if at < bytes.len() => bytes[at] = *random.pick(&[0, 1, 0x7F, 0x80, 0xFF, b'"', b'{', b'9']),
            3 => bytes.insert(at, random.next() as u8),
            4 => {
                let end = (at + random.below(40)).min(bytes.len());
                drop(bytes.drain(at..end));
            }
            5 => {
                let number = random.next() as u32;
                let number = *random.pick(&[0, 4, 0x7F80_0000, 0x7FC0_0000, 0x7F7F_FFFF, u32::MAX, number]);
                for (place, byte) in bytes.iter_mut().skip(at & !3).zip(number.to_le_bytes()) {
                    *place = byte;
                }
            }
            _ => {
                // A number in a text.
                let digit =
                    bytes.iter().skip(at).take(20_000).position(u8::is_ascii_digit).map(|found| at + found);
                if let Some(start) = digit {
                    let end = bytes[start..]
                        .iter()
                        .position(|b| !b.is_ascii_digit())
                        .map_or(bytes.len(), |n| start + n);
                    drop(bytes.splice(start..end, NUMBERS[random.below(NUMBERS.len())].bytes()));
                }
            }
        }
    }
}

fn mutations_of(fixture: &str, model: Model, seed: u64, rounds: usize) {
    let names = [
        "config.json",
        "model.safetensors",
        FILES[0],
        FILE,
        INDEX,
        "modules.json",
        "1_Pooling/config.json",
        "sentence_bert_config.json",
        "config_sentence_transformers.json",
        "2_Dense/config.json",
        "3_Dense/model.safetensors",
    ];
    let files: Vec<(PathBuf, Vec<u8>)> =
        names.iter().filter_map(|name| Some((model.path(name), fs::read(model.path(name)).ok()?))).collect();
    let (mut loaded, mut refused) = (0, 0);
    for round in 0..rounds {
        let mut random = Random(seed.wrapping_add(round as u64));
        // Most of the code reads the two large files.
        let (path, sound) =
            if random.below(3) > 0 { &files[1 + random.below(2)] } else { random.pick(&files) };
        let mut bytes = None;
        if random.below(3) > 0 {
            bytes = mutate_json(sound, &mut random);
        }
        let bytes = bytes.unwrap_or_else(|| {
            let mut bytes = sound.clone();
            mutate_bytes(&mut bytes, &mut random);
            bytes
        });
        fs::write(path, &bytes).unwrap();
        let about = format!("{fixture}, seed {seed}, round {round}, {}", path.display());
        let start = Instant::now();
        match catch_unwind(AssertUnwindSafe(|| model.try_it())) {
            Ok(Ok(())) => loaded += 1,
            Ok(Err(error)) => {
                refused += 1;
                assert!(!error.to_string().contains('\n'), "{about}: {error}");
            }
            Err(_) => {
                let kept = model.folder.keep();
                panic!("a panic: {about}, kept in {}", kept.display());
            }
        }
        assert!(start.elapsed() < Duration::from_secs(20), "{about}: {:?}", start.elapsed());
        assert!(counting::largest() < MOST_AT_ONCE, "{about}: {} bytes at once", counting::largest());
        fs::write(path, sound).unwrap();
    }
    println!("{fixture}, seed {seed}: {loaded} loaded, {refused} refused");
    assert!(refused > rounds / 10, "{fixture}: the damages are too small, {refused} of {rounds} refused");
    assert!(loaded > rounds / 100, "{fixture}: the damages are too great, {loaded} of {rounds} loaded");
}

const FILE: &str = "tokenizer.json";

/// The number for each fixture; `REKALL_MUTATIONS` and `REKALL_SEED` change it and the seed.
fn run(fixture: &str, model: Model) {
    let number = |name: &str, default: u64| {
        std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    mutations_of(fixture, model, number("REKALL_SEED", 1), number("REKALL_MUTATIONS", 1_500) as usize);
}

#[test]
fn a_static_model() {
    run("static-f32-weights", Model::copy_of("static-f32-weights"));
}

#[test]
fn a_static_model_with_rows_of_four_bits() {
    run("static-int4-weights", Model::copy_of("static-int4-weights"));
}

#[test]
fn a_static_model_with_a_map_of_rows() {
    run("static-mapping", Model::copy_of("static-mapping"));
}

#[test]
fn a_tokenizer_of_this_crates_own() {
    run("unigram", Model::with_unigram(&charsmap(&leaf(0), b"bc\0d\0")));
}

/// With a character map that the `tokenizers` crate runs.
#[test]
fn a_tokenizer_with_a_character_map() {
    let model = Model::copy_of("static-f32");
    let map = charsmap(&leaf(0), b"bc\0d\0");
    model.set(FILE, "/normalizer", json!({"type": "Precompiled", "precompiled_charsmap": map}));
    run("character map", model);
}

#[cfg(feature = "transformer")]
#[test]
fn a_bert() {
    run("bert-tiny-mean", Model::copy_of("bert-tiny-mean"));
}

#[cfg(feature = "transformer")]
#[test]
fn weights_in_two_files() {
    let model = Model::copy_of("bert-tiny-mean");
    crate::common::split(model.folder.path());
    run("bert-tiny-mean in two files", model);
}

#[cfg(feature = "transformer")]
#[test]
fn weights_of_bitsandbytes() {
    run("int8-bitsandbytes", Model::copy_of("int8-bitsandbytes"));
}

#[cfg(feature = "transformer")]
#[test]
fn weights_of_compressed_tensors() {
    run("int8-w8a8", Model::copy_of("int8-w8a8"));
}

#[cfg(feature = "transformer")]
#[test]
fn packed_weights_of_compressed_tensors() {
    run("int8-w8a16", Model::copy_of("int8-w8a16"));
}

#[cfg(feature = "transformer")]
#[test]
fn a_modernbert() {
    run("modernbert-tiny-masked", Model::copy_of("modernbert-tiny-masked"));
}

#[cfg(feature = "transformer")]
#[test]
fn an_xlm_roberta() {
    run("xlmr-tiny-cls-f16", Model::copy_of("xlmr-tiny-cls-f16"));
}

#[cfg(feature = "transformer")]
#[test]
fn a_distilbert() {
    run("distilbert-tiny", Model::copy_of("distilbert-tiny"));
}

#[cfg(feature = "transformer")]
#[test]
fn an_mpnet() {
    run("mpnet-tiny", Model::copy_of("mpnet-tiny"));
}

#[cfg(feature = "transformer")]
#[test]
fn a_nomic_bert() {
    run("nomic-bert-tiny", Model::copy_of("nomic-bert-tiny"));
}

#[cfg(feature = "transformer")]
#[test]
fn a_gte() {
    run("gte-tiny-ntk", Model::copy_of("gte-tiny-ntk"));
}

#[cfg(feature = "transformer")]
#[test]
fn a_jina_bert() {
    run("jina-bert-tiny", Model::copy_of("jina-bert-tiny"));
}

#[cfg(feature = "transformer")]
#[test]
fn a_qwen3() {
    run("qwen3-tiny", Model::copy_of("qwen3-tiny"));
}

#[cfg(feature = "transformer")]
#[test]
fn a_gemma3_with_dense_modules() {
    run("gemma3-tiny", Model::copy_of("gemma3-tiny"));
}
