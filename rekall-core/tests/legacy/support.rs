//! The test data, and small tools to look at it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rekall_core::{EntryId, Error, Role, SpaceId, SqliteStore, Status, Store, StoreOptions};
use serde_json::Value;

/// The good files: name and schema.
pub(crate) const FILES: [(&str, i64); 4] = [("v7", 7), ("v11", 11), ("v12-centrality", 12), ("v12-head", 12)];

pub(crate) fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/python-rekall").join(name)
}

pub(crate) fn json(name: &str) -> Value {
    serde_json::from_slice(&fs::read(data(name)).unwrap()).unwrap()
}

/// A folder of its own with a copy of a good file in it.
pub(crate) fn copy_of(name: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("knowledge.db");
    fs::write(&path, fs::read(data(&format!("{name}.db"))).unwrap()).unwrap();
    (folder, path)
}

/// The bytes of a damaged file.
pub(crate) fn damaged(name: &str) -> Vec<u8> {
    let plain = data(&format!("damaged/damaged-{name}.db"));
    if plain.exists() {
        return fs::read(plain).unwrap();
    }
    let patch = json(&format!("damaged/damaged-{name}.patch.json"));
    let mut bytes = fs::read(data(patch["base"].as_str().unwrap())).unwrap();
    bytes.truncate(patch["bytes"].as_u64().unwrap() as usize);
    for change in patch["changes"].as_array().unwrap() {
        let at = change[0].as_u64().unwrap() as usize;
        let new = unhex(change[1].as_str().unwrap());
        bytes[at..at + new.len()].copy_from_slice(&new);
    }
    assert_eq!(hex(&sha256(&bytes)), patch["sha256"].as_str().unwrap(), "{name}");
    bytes
}

/// Every file of a folder with its bytes.
pub(crate) fn snapshot(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fs::read_dir(folder)
        .unwrap()
        .map(|file| {
            let path = file.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, if path.is_dir() { b"a folder".to_vec() } else { fs::read(path).unwrap() })
        })
        .collect()
}

/// Options that migrate a legacy file.
pub(crate) fn migrating() -> StoreOptions {
    let mut options = StoreOptions::default();
    options.migrate = true;
    options
}

pub(crate) fn new_store(folder: &Path) -> SqliteStore {
    SqliteStore::open(folder.join("new.db"), &StoreOptions::default()).unwrap()
}

/// Entry ids and row numbers of a store, in the order of the rows.
pub(crate) fn ids(store: &SqliteStore) -> Vec<(i64, EntryId)> {
    let tx = store.read().unwrap();
    tx.entries_after(0, 1_000_000).unwrap().into_iter().map(|(row, entry)| (row, entry.id)).collect()
}

/// The ten active entries nearest to `query` by their summary vectors in a space, in f64, ties by id.
pub(crate) fn top_ten(store: &SqliteStore, space: SpaceId, query: &[f32]) -> Vec<(String, f64)> {
    let tx = store.read().unwrap();
    let space = tx.space(space).unwrap();
    let entries: BTreeMap<i64, _> = tx.entries_after(0, 1_000_000).unwrap().into_iter().collect();
    let mut found = Vec::new();
    tx.vectors::<Error>(&space, 64, |batch| {
        assert!(batch.unusable.is_empty());
        for (key, row) in batch.keys.iter().zip(batch.rows.chunks_exact(batch.dimensions)) {
            let entry = &entries[&key.entry];
            if key.role == Role::Summary.number() && entry.status == Status::Active {
                found.push((entry.id.to_string(), cosine(query, row)));
            }
        }
        Ok(())
    })
    .unwrap();
    found.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    found.truncate(10);
    found
}

pub(crate) fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>();
    dot(a, b) / (dot(a, a).sqrt() * dot(b, b).sqrt())
}

pub(crate) fn query_vector(query: &Value) -> Vec<f32> {
    let bytes = base64(query["vector_f32_le_base64"].as_str().unwrap());
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
}

/// The object without its nulls, which an import leaves out.
pub(crate) fn without_nulls(value: &Value) -> Value {
    let mut value = value.clone();
    value.as_object_mut().unwrap().retain(|_, field| !field.is_null());
    value
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn base64(text: &str) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut out, mut buffer, mut held) = (Vec::new(), 0_u32, 0);
    for byte in text.bytes().filter(|byte| *byte != b'=') {
        buffer = buffer << 6 | DIGITS.iter().position(|digit| *digit == byte).unwrap() as u32;
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((buffer >> held) as u8);
        }
    }
    out
}

/// FIPS 180-4, for the sums in the expected files. The constants are computed as the standard defines
/// them: the first bits of the fractions of roots of primes.
pub(crate) fn sha256(data: &[u8]) -> [u8; 32] {
    let primes: Vec<u128> = (2..312_u128).filter(|n| (2..*n).all(|d| n % d != 0)).collect();
    let cube: Vec<u32> = primes.iter().map(|p| root(p << 96, 3) as u32).collect();
    let mut state: Vec<u32> = primes[..8].iter().map(|p| root(p << 64, 2) as u32).collect();

    let mut padded = data.to_vec();
    padded.push(0x80);
    while padded.len() % 64 != 56 {
        padded.push(0);
    }
    padded.extend_from_slice(&(data.len() as u64 * 8).to_be_bytes());

    for block in padded.chunks_exact(64) {
        let mut w: Vec<u32> =
            block.chunks_exact(4).map(|b| u32::from_be_bytes(b.try_into().unwrap())).collect();
        for at in 16..64 {
            let a = w[at - 15].rotate_right(7) ^ w[at - 15].rotate_right(18) ^ (w[at - 15] >> 3);
            let b = w[at - 2].rotate_right(17) ^ w[at - 2].rotate_right(19) ^ (w[at - 2] >> 10);
            w.push(w[at - 16].wrapping_add(a).wrapping_add(w[at - 7]).wrapping_add(b));
        }
        let mut s = state.clone();
        for at in 0..64 {
            let big1 = s[4].rotate_right(6) ^ s[4].rotate_right(11) ^ s[4].rotate_right(25);
            let choice = (s[4] & s[5]) ^ (!s[4] & s[6]);
            let first = [big1, choice, cube[at], w[at]].iter().fold(s[7], |sum, n| sum.wrapping_add(*n));
            let big0 = s[0].rotate_right(2) ^ s[0].rotate_right(13) ^ s[0].rotate_right(22);
            let majority = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);
            let second = big0.wrapping_add(majority);
            s.rotate_right(1);
            s[4] = s[4].wrapping_add(first);
            s[0] = first.wrapping_add(second);
        }
        for (sum, part) in state.iter_mut().zip(s) {
            *sum = sum.wrapping_add(part);
        }
    }
    let bytes: Vec<u8> = state.iter().flat_map(|word| word.to_be_bytes()).collect();
    bytes.try_into().unwrap()
}

/// The whole part of the square or cube root.
fn root(n: u128, degree: u32) -> u128 {
    let (mut low, mut high) = (0_u128, 1 << (128 / degree));
    while high - low > 1 {
        let middle = (low + high) / 2;
        if middle.checked_pow(degree).is_some_and(|power| power <= n) { low = middle } else { high = middle }
    }
    low
}

#[test]
fn the_sums_are_right() {
    let expected = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(hex(&sha256(b"")), expected);
    assert_eq!(
        hex(&sha256(&[b'a'; 119])),
        "31eba51c313a5c08226adf18d4a359cfdfd8d2e816b13f4af952f7ea6584dcfb"
    );
}
