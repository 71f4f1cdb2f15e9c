//! Tokenizers on which the `tokenizers` crate would panic, loop, or exhaust the memory.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::folder::Model;

const FILE: &str = "tokenizer.json";

fn with_normalizer(normalizer: Value) -> Model {
    let model = Model::copy_of("static-f32");
    model.set(FILE, "/normalizer", normalizer);
    model
}

/// A map with a trie of these units and these replacements.
pub(crate) fn charsmap(units: &[u32], replacements: &[u8]) -> String {
    let mut blob = (units.len() as u32 * 4).to_le_bytes().to_vec();
    blob.extend(units.iter().flat_map(|unit| unit.to_le_bytes()));
    blob.extend(replacements);
    BASE64_STANDARD.encode(blob)
}

/// A trie in which 'a' is replaced by the text at an offset.
pub(crate) fn leaf(value: u32) -> Vec<u32> {
    let mut units = vec![0_u32; 256];
    // The root's children begin at 0; the value of the leaf is at 97 ^ 1.
    units[97] = u32::from(b'a') | 1 << 8 | 1 << 10;
    units[96] = value | 1 << 31;
    units
}

#[test]
fn character_maps() {
    let mut far = vec![0_u32; 256];
    // The child of the root by 'a' lies outside.
    far[0] = 1 << 20 << 10;
    let maps = [
        "AAAAAA==".to_owned(),
        "/////w==".to_owned(),
        String::new(),
        "AAA".to_owned(),
        "not base64 !".to_owned(),
        // A trie of 4 GB.
        "/P///wAAAAA=".to_owned(),
        charsmap(&[0], b"a\0"),
        charsmap(&far, b"a\0"),
        // A replacement beyond the end, and one that begins inside a character.
        charsmap(&leaf(3), b"a\0"),
        charsmap(&leaf(1), "é\0".as_bytes()),
        charsmap(&leaf(0), b"\xff\0"),
    ];
    for map in &maps {
        let precompiled = json!({"type": "Precompiled", "precompiled_charsmap": map});
        let words = [FILE, "precompiled_charsmap"];
        with_normalizer(precompiled.clone()).is_refused(&words);
        with_normalizer(json!({"type": "Sequence", "normalizers": [precompiled]})).is_refused(&words);
        with_normalizer(json!({"precompiled_charsmap": map})).is_refused(&words);
        // The same in a file for this crate's own tokenizer.
        Model::with_unigram(map).is_refused(&words);
    }
    with_normalizer(json!({"type": "Precompiled"})).is_refused(&[FILE, "precompiled_charsmap"]);
    with_normalizer(json!({"type": "Precompiled", "precompiled_charsmap": 7})).is_refused(&[FILE]);
    // One character that becomes a million.
    let long = charsmap(&leaf(0), &[&[b'x'; 1_000_000][..], b"\0"].concat());
    Model::with_unigram(&long).is_refused(&[FILE, "1000000 times as long"]);
    // A valid one.
    with_normalizer(json!({"type": "Precompiled", "precompiled_charsmap": charsmap(&leaf(0), b"b\0")}))
        .try_it()
        .unwrap();
    Model::with_unigram(&charsmap(&leaf(0), b"b\0")).try_it().unwrap();
}

#[test]
fn texts_that_grow_without_end() {
    let double = json!({"type": "Replace", "pattern": {"String": "a"}, "content": "aaaa"});
    let regex = json!({"type": "Replace", "pattern": {"Regex": ""}, "content": "aaaa"});
    for step in [double, regex, json!({"type": "ByteLevel"}), json!({"type": "Prepend", "prepend": "aaaa"})] {
        let steps: Vec<Value> = vec![step; 40];
        with_normalizer(json!({"type": "Sequence", "normalizers": steps}))
            .is_refused(&[FILE, "times as long"]);
    }
    let model = Model::copy_of("static-f32");
    let steps = vec![json!({"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true}); 40];
    model.set(FILE, "/pre_tokenizer", json!({"type": "Sequence", "pretokenizers": steps}));
    model.is_refused(&[FILE, "times as long"]);
    let steps = vec![json!({"type": "Lowercase"}); 10_000];
    with_normalizer(json!({"type": "Sequence", "normalizers": steps})).is_refused(&[FILE, "steps"]);
}

#[test]
fn pieces_of_no_length() {
    let model = Model::copy_of("static-f32");
    model.set(FILE, "/pre_tokenizer", json!({"type": "FixedLength", "length": 0}));
    model.is_refused(&[FILE, "length"]);
}

#[test]
fn models_of_the_crate() {
    let vocabulary = json!({"<unk>": 0, "a": 1, "b": 2, "ab": 3});
    let bpe = |merges: Value, prefix: Value| json!({"type": "BPE", "vocab": vocabulary, "merges": merges, "continuing_subword_prefix": prefix, "unk_token": "<unk>"});
    let refused = |model: Value, words: &[&str]| {
        let folder = Model::copy_of("static-f32");
        folder.set(FILE, "/model", model.clone());
        folder.is_refused(&[&[FILE], words].concat());
        // A file of the first versions does not name the type.
        let mut legacy = model;
        legacy.as_object_mut().unwrap().remove("type");
        folder.set(FILE, "/model", legacy);
        folder.is_refused(&[&[FILE], words].concat());
    };
    // The second half is shorter than the prefix that it should lose, or has another prefix.
    refused(bpe(json!([["a", "b"]]), json!("##")), &["merge", "##"]);
    refused(bpe(json!(["a b"]), json!("##")), &["merge", "##"]);
    refused(bpe(json!([["a", "b"]]), json!("x")), &["merge"]);
    // The merged text is longer than any token.
    refused(bpe(json!([["<unk>", "ab"]]), json!(null)), &["merge"]);
    refused(bpe(json!([]), json!("x".repeat(1000))), &["continuing_subword_prefix"]);
    let mut random = bpe(json!([]), json!(null));
    random["dropout"] = json!(0.5);
    refused(random, &["dropout"]);
    let long = json!({"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0], ["a".repeat(100_000), -1]]});
    refused(long, &["piece", "100000"]);
    let patient = json!({"type": "WordPiece", "unk_token": "<unk>", "continuing_subword_prefix": "##",
        "max_input_chars_per_word": 1_000_000_000, "vocab": vocabulary});
    refused(patient, &["max_input_chars_per_word"]);
}

#[test]
fn added_tokens_that_overlap() {
    // In "a    " the first token strips all spaces, and the second, which is a space, would begin after its
    // own end.
    let token = |id: u32, content: &str, lstrip: bool, rstrip: bool| {
        json!({"id": id, "content": content, "single_word": false, "lstrip": lstrip, "rstrip": rstrip,
            "normalized": false, "special": false})
    };
    let model = Model::copy_of("static-f32");
    model.set(FILE, "/added_tokens", json!([token(71, "a", false, true), token(72, " ", true, false)]));
    model.is_refused(&[FILE, "added token"]);
}

#[cfg(feature = "transformer")]
#[test]
fn templates_without_end() {
    let model = Model::copy_of("bert-tiny-mean");
    let piece = json!({"SpecialToken": {"id": "[CLS]", "type_id": 0}});
    let mut single: Vec<Value> = vec![piece; 2_000];
    single.push(json!({"Sequence": {"id": "A", "type_id": 0}}));
    let ids: Vec<u32> = vec![2; 2_000];
    model.set(
        FILE,
        "/post_processor",
        json!({"type": "TemplateProcessing", "pair": [], "single": single,
        "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": ids, "tokens": vec!["[CLS]"; 2_000]}}}),
    );
    let error = model.refusal();
    assert!(error.to_string().contains("special tokens"), "{error}");
}
