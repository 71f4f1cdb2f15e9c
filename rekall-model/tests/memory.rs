//! An unloaded model leaves nothing behind: the process's own resident size, on the first unload and
//! on the third. Alone in its process, so that no other test's memory is counted.
#![allow(clippy::unwrap_used)]
#![cfg(all(feature = "transformer", target_os = "linux"))]

#[path = "offline/real_model.rs"]
mod real_model;

use std::io::Write;
use std::path::Path;

use rekall_model::{
    KeepAlive, LoadOptions, ManagerOptions, ModelManager, ModelSource, ModelState, process_rss,
};

/// A network of all-MiniLM-L6-v2's shape, 90 MB, with the tokenizer of the tiny fixture.
fn write_model(folder: &Path) {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/bert-tiny-mean");
    std::fs::copy(fixture.join("tokenizer.json"), folder.join("tokenizer.json")).unwrap();
    let config = r#"{"model_type":"bert","hidden_size":384,"num_hidden_layers":6,"num_attention_heads":12,
        "intermediate_size":1536,"max_position_embeddings":512,"vocab_size":30522,"type_vocab_size":2}"#;
    std::fs::write(folder.join("config.json"), config).unwrap();

    let mut tensors: Vec<(String, Vec<usize>)> = vec![
        ("embeddings.word_embeddings.weight".into(), vec![30522, 384]),
        ("embeddings.position_embeddings.weight".into(), vec![512, 384]),
        ("embeddings.token_type_embeddings.weight".into(), vec![2, 384]),
    ];
    let mut pair = |name: &str, shape: &[usize]| {
        tensors.push((format!("{name}.weight"), shape.to_vec()));
        tensors.push((format!("{name}.bias"), vec![shape[0]]));
    };
    pair("embeddings.LayerNorm", &[384]);
    for layer in 0..6 {
        let layer = format!("encoder.layer.{layer}");
        for part in ["self.query", "self.key", "self.value", "output.dense"] {
            pair(&format!("{layer}.attention.{part}"), &[384, 384]);
        }
        pair(&format!("{layer}.attention.output.LayerNorm"), &[384]);
        pair(&format!("{layer}.intermediate.dense"), &[1536, 384]);
        pair(&format!("{layer}.output.dense"), &[384, 1536]);
        pair(&format!("{layer}.output.LayerNorm"), &[384]);
    }
    let mut at = 0;
    let entries: Vec<String> = tensors
        .iter()
        .map(|(name, shape)| {
            let start = at;
            at += shape.iter().product::<usize>() * 4;
            format!("\"{name}\":{{\"dtype\":\"F32\",\"shape\":{shape:?},\"data_offsets\":[{start},{at}]}}")
        })
        .collect();
    let header = format!("{{{}}}", entries.join(","));
    let mut file = std::io::BufWriter::new(std::fs::File::create(folder.join("model.safetensors")).unwrap());
    file.write_all(&(header.len() as u64).to_le_bytes()).unwrap();
    file.write_all(header.as_bytes()).unwrap();
    let mut state = 1_u32;
    for _ in 0..at / 4 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let x = ((state >> 8) as f32 / 16_777_216.0 - 0.5) * 0.1;
        file.write_all(&x.to_le_bytes()).unwrap();
    }
    file.flush().unwrap();
}

const MB: u64 = 1 << 20;

fn give_back_three_times(source: ModelSource, load: LoadOptions) {
    let mut options = ManagerOptions::default();
    options.keep_alive = KeepAlive::Forever;
    options.release_memory = true;
    let name = source.to_string();
    let manager = ModelManager::new(source, load, options);
    let texts: Vec<String> = (0..12).map(|i| "the server error in the cache ".repeat(1 + i * 3)).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();

    let before = process_rss().unwrap();
    for round in 1..=3 {
        let lease = manager.lease().unwrap();
        lease.embed_documents(&texts).unwrap();
        let used = process_rss().unwrap();
        assert!(used > before + 40 * MB, "{name}, round {round}: the model was loaded, {used} bytes");
        assert!(used < before + 120 * MB, "{name}, round {round}: {used} bytes in use");
        drop(lease);
        manager.unload();
        assert_eq!(manager.state(), ModelState::Unloaded);
        let after = process_rss().unwrap();
        assert!(after <= before + 10 * MB, "{name}, round {round}: {before} bytes before, {after} after");
    }
}

/// One test, so that nothing else runs in the process meanwhile.
#[test]
fn unloading_gives_the_memory_back_three_times_over() {
    let folder = tempfile::tempdir().unwrap();
    write_model(folder.path());
    give_back_three_times(ModelSource::Path(folder.path().to_owned()), LoadOptions::default());
    if let Some((source, options)) = real_model::real_model("sentence-transformers/all-MiniLM-L6-v2") {
        give_back_three_times(source, options);
    }
}
