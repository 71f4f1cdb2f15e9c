//! Generated networks, which would be too large for the repository.

use std::io::Write;
use std::path::Path;

/// Writes a BERT of random numbers, as wide as all-MiniLM-L6-v2, with the tokenizer of the tiny fixture, filled up with
/// tokens that no text has.
pub(crate) fn write_network(folder: &Path, layers: usize, vocabulary: usize) {
    let mut tensors: Vec<(String, Vec<usize>)> = vec![
        ("embeddings.word_embeddings.weight".into(), vec![vocabulary, 384]),
        ("embeddings.position_embeddings.weight".into(), vec![512, 384]),
        ("embeddings.token_type_embeddings.weight".into(), vec![2, 384]),
    ];
    let mut pair = |name: &str, shape: &[usize]| {
        tensors.push((format!("{name}.weight"), shape.to_vec()));
        tensors.push((format!("{name}.bias"), vec![shape[0]]));
    };
    pair("embeddings.LayerNorm", &[384]);
    for layer in 0..layers {
        let layer = format!("encoder.layer.{layer}");
        for part in ["self.query", "self.key", "self.value", "output.dense"] {
            pair(&format!("{layer}.attention.{part}"), &[384, 384]);
        }
        pair(&format!("{layer}.attention.output.LayerNorm"), &[384]);
        pair(&format!("{layer}.intermediate.dense"), &[1536, 384]);
        pair(&format!("{layer}.output.dense"), &[384, 1536]);
        pair(&format!("{layer}.output.LayerNorm"), &[384]);
    }
    let shape = r#""model_type":"bert","type_vocab_size":2"#;
    write(folder, layers, vocabulary, shape, &tensors);
}

/// The same of a ModernBERT.
#[allow(dead_code, reason = "not every test needs it")]
pub(crate) fn write_modern_network(folder: &Path, layers: usize, vocabulary: usize) {
    let mut tensors = vec![("embeddings.tok_embeddings.weight".into(), vec![vocabulary, 384])];
    let mut add = |name: &str, shape: &[usize]| tensors.push((format!("{name}.weight"), shape.to_vec()));
    add("embeddings.norm", &[384]);
    for layer in 0..layers {
        let name = |part: &str| format!("layers.{layer}.{part}");
        add(&name("attn.Wqkv"), &[3 * 384, 384]);
        add(&name("attn.Wo"), &[384, 384]);
        add(&name("mlp_norm"), &[384]);
        add(&name("mlp.Wi"), &[2 * 1536, 384]);
        add(&name("mlp.Wo"), &[384, 1536]);
        if layer > 0 {
            add(&name("attn_norm"), &[384]);
        }
    }
    add("final_norm", &[384]);
    write(folder, layers, vocabulary, r#""model_type":"modernbert","local_attention":32"#, &tensors);
}

/// The same of a Qwen3, whose heads share keys and values, three by three.
#[allow(dead_code, reason = "not every test needs it")]
pub(crate) fn write_decoder_network(folder: &Path, layers: usize, vocabulary: usize) {
    let mut tensors = vec![("embed_tokens.weight".into(), vec![vocabulary, 384])];
    let mut add = |name: &str, shape: &[usize]| tensors.push((format!("{name}.weight"), shape.to_vec()));
    for layer in 0..layers {
        let name = |part: &str| format!("layers.{layer}.{part}");
        add(&name("input_layernorm"), &[384]);
        add(&name("self_attn.q_proj"), &[384, 384]);
        add(&name("self_attn.k_proj"), &[4 * 32, 384]);
        add(&name("self_attn.v_proj"), &[4 * 32, 384]);
        add(&name("self_attn.q_norm"), &[32]);
        add(&name("self_attn.k_norm"), &[32]);
        add(&name("self_attn.o_proj"), &[384, 384]);
        add(&name("post_attention_layernorm"), &[384]);
        add(&name("mlp.gate_proj"), &[1536, 384]);
        add(&name("mlp.up_proj"), &[1536, 384]);
        add(&name("mlp.down_proj"), &[384, 1536]);
    }
    add("norm", &[384]);
    let shape = r#""model_type":"qwen3","num_key_value_heads":4,"head_dim":32,"hidden_act":"silu","rms_norm_eps":1e-6,"rope_theta":1e6"#;
    write(folder, layers, vocabulary, shape, &tensors);
}

fn write(folder: &Path, layers: usize, vocabulary: usize, shape: &str, tensors: &[(String, Vec<usize>)]) {
    let tokenizer = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join("bert-tiny-mean")
        .join("tokenizer.json");
    let tokenizer = std::fs::read_to_string(tokenizer).unwrap();
    // The fixture has 96 tokens.
    let unused: String = (96..vocabulary).map(|id| format!(",\"[unused{id}]\":{id}")).collect();
    let tokenizer = tokenizer.replacen("\"[PAD]\":0", &format!("\"[PAD]\":0{unused}"), 1);
    std::fs::write(folder.join("tokenizer.json"), tokenizer).unwrap();
    let config = format!(
        r#"{{{shape},"hidden_size":384,"num_hidden_layers":{layers},"num_attention_heads":12,
        "intermediate_size":1536,"max_position_embeddings":512,"vocab_size":{vocabulary}}}"#
    );
    std::fs::write(folder.join("config.json"), config).unwrap();

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
