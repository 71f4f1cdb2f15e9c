//! The contract, the bounds, and how many rows they leave.

use super::codes::{CodeRow, Factors, Shape};
use super::quantize::{Encoder, Query};
use super::stored_block::tests::of_version_1;
use super::*;
use crate::kernels::Level;
use crate::testing::{NaiveIndex, Random, WithSource, unit_rows};
use crate::{EntrySet, FlatIndex, similarity};

crate::conformance!(contract, |dimensions| WithSource::new(
    Sq8Index::new(dimensions, Arc::new(NaiveIndex::new(dimensions))).unwrap(),
    Sq8Index::set_source
));
crate::resident_conformance!(views, |dimensions| WithSource::new(
    Sq8Index::new(dimensions, Arc::new(NaiveIndex::new(dimensions))).unwrap(),
    Sq8Index::set_source
));

/// Rows that make quantization hard.
fn hard_rows(random: &mut Random, dimensions: usize) -> Vec<Vec<f32>> {
    let center = random.unit(dimensions);
    let mut rows: Vec<Vec<f32>> = (0..20).map(|_| random.unit(dimensions)).collect();
    rows.extend((0..20).map(|_| random.near(&center, 1e-6)));
    rows.extend((0..5).map(|_| center.clone()));
    for size in [1e3, 1e20, 1e-20] {
        // One component far above the others, or far below.
        for at in [0, dimensions / 2, dimensions - 1] {
            let mut row = random.unit(dimensions);
            row[at] *= size;
            crate::testing::normalize(&mut row);
            rows.push(row);
        }
    }
    // Norms at both ends of the tolerance.
    rows.extend([0.9991f32, 1.0009].map(|scale| random.unit(dimensions).iter().map(|x| x * scale).collect()));
    rows
}

#[test]
fn bounds_hold_for_hard_rows() {
    let dimensions: &[usize] =
        if cfg!(miri) { &[1, 33] } else { &[1, 2, 3, 31, 32, 33, 384, 1000, 4096, 20_000] };
    for &dimensions in dimensions {
        let mut random = Random::new(60 + dimensions as u64);
        let rows = hard_rows(&mut random, dimensions);
        let mut wild: Vec<f32> = random.unit(dimensions);
        wild[0] = 30.0;
        let tiny: Vec<f32> = rows[3].iter().map(|x| x * 1e-30).collect();
        let refs = rows.iter().map(Vec::as_slice).collect::<Vec<_>>();
        let mean = Center::mean(dimensions, refs.iter().copied());
        for center in [
            Center::zero(dimensions),
            mean,
            Center::new(wild),
            Center::new(tiny),
            Center::new(rows[0].clone()),
        ] {
            let shape = Shape::new(center);
            let mut encoder = Encoder::new(&shape);
            for query in rows.iter().step_by(3) {
                let encoded = Query::new(query, &shape);
                let weight: i64 = encoded.codes.iter().map(|&w| i64::from(w).abs()).sum();
                assert!(127 * weight <= i64::from(i32::MAX), "{weight}");
                for row in &rows {
                    let code = encoder.encode(row, 0.0);
                    let mut dot = [0];
                    let Factors { scale, residual, rough } = code.factors;
                    Level::detect().dots(code.codes, &encoded.codes, &mut dot);
                    let upper = encoded.bounds.upper(dot[0], scale, residual);
                    let lower = upper - 2.0 * encoded.bounds.half_width(residual);
                    let exact = similarity(query, row);
                    assert!(lower <= exact && exact <= upper, "{dimensions}: {lower} {exact} {upper}");
                    // Rough bounds hold, too, on either side.
                    Level::detect().dots_high(code.codes.high, &encoded.rough.codes, &mut dot);
                    let upper = encoded.rough.upper(dot[0], scale, rough);
                    let lower = upper - 2.0 * encoded.rough.bounds.half_width(rough);
                    assert!(lower <= exact && exact <= upper, "{dimensions}: {lower} {exact} {upper}");
                }
            }
        }
    }
}

#[test]
fn decoded_rows_are_within_their_residual() {
    let mut random = Random::new(61);
    for dimensions in [1, 5, 384] {
        let rows = hard_rows(&mut random, dimensions);
        let shape = Shape::new(Center::new(rows[1].clone()));
        let (mut encoder, mut decoded) = (Encoder::new(&shape), vec![0.0; dimensions]);
        for row in &rows {
            let code = encoder.encode(row, 0.0);
            shape.decode(code, &mut decoded);
            let off: f64 =
                row.iter().zip(&decoded).map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2)).sum();
            assert!(off.sqrt() <= f64::from(code.factors.residual) + shape.decode_error());
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "slow there")]
fn few_rows_need_rescoring() {
    // Vectors around a common direction, as sentence models give them.
    let mut random = Random::new(62);
    let (rows, dimensions) = (20_000, 128);
    let direction = random.unit(dimensions);
    let keys: Vec<Key> = (0..rows).map(|entry| Key::new(entry, 0, 0)).collect();
    let data: Vec<f32> = keys.iter().flat_map(|_| random.near(&direction, 0.12)).collect();
    let mut exact = FlatIndex::new(dimensions).unwrap();
    exact.upsert(&keys, &data).unwrap();
    let mut bulk = Sq8Index::new(dimensions, Arc::new(exact.clone())).unwrap();
    bulk.upsert(&keys, &data).unwrap();
    let mut grown = Sq8Index::new(dimensions, Arc::new(exact.clone())).unwrap();
    for (key, row) in keys.iter().zip(data.chunks_exact(dimensions)) {
        grown.upsert(&[*key], row).unwrap();
    }
    let queries = unit_rows(&mut random, 20, dimensions);
    let due = exact.search_batch(&queries, &SearchOptions::new(10)).unwrap();
    for (index, most) in [(bulk, 30), (grown, 60)] {
        assert_eq!(index.search_batch(&queries, &SearchOptions::new(10)).unwrap(), due);
        let Sq8Stats { queries, rescored_rows } = index.stats();
        assert!(queries == 20 && rescored_rows <= 20 * most, "{rescored_rows} rows rescored");
        assert!(index.memory_bytes() <= 20_000 * (128 + 32) * 105 / 100, "{}", index.memory_bytes());
    }
}

#[test]
#[cfg_attr(miri, ignore = "slow there")]
fn rough_bounds_hold_where_their_sums_leave_32_bits() {
    let dimensions = crate::MAX_DIMENSIONS;
    let shape = Shape::new(Center::zero(dimensions));
    let mut encoder = Encoder::new(&shape);
    let plus = vec![1.0 / (dimensions as f32).sqrt(); dimensions];
    let mut mixed = plus.clone();
    mixed.iter_mut().step_by(2).for_each(|x| *x = -*x);
    let minus: Vec<f32> = plus.iter().map(|x| -x).collect();
    for query in [&plus, &minus, &mixed] {
        let encoded = Query::new(query, &shape);
        for row in [&plus, &minus, &mixed] {
            let code = encoder.encode(row, 0.0);
            let mut dot = [0];
            Level::detect().dots_high(code.codes.high, &encoded.rough.codes, &mut dot);
            let upper = encoded.rough.upper(dot[0], code.factors.scale, code.factors.rough);
            let lower = upper - 2.0 * encoded.rough.bounds.half_width(code.factors.rough);
            let exact = similarity(query, row);
            assert!(lower <= exact && exact <= upper, "{lower} {exact} {upper}");
        }
    }
}

#[test]
fn every_column_follows_its_row() {
    let (mut index, _) = worn_index(3000, 40, 71);
    let replaced: Vec<Key> = index.table.blocks()[0].keys().iter().step_by(7).copied().collect();
    index.upsert(&replaced, &unit_rows(&mut Random::new(72), replaced.len(), 40)).unwrap();
    let shape = index.table.shape();
    let mut codes = vec![0; shape.stride()];
    let [mut high, mut low] = [(); 2].map(|()| vec![0; shape.plane_bytes()]);
    for block in index.table.blocks() {
        for row in 0..block.keys().len() {
            let CodeRow { codes: planes, factors } = block.row(shape, row);
            planes.join(&mut codes);
            let planes = [&mut *high, &mut *low];
            let rough = shape.divide(Level::detect(), &codes, planes, factors.scale, factors.residual);
            assert_eq!(factors.rough, rough, "row {row}");
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "slow there")]
fn rough_bounds_change_no_result() {
    // Some forty blocks: a few segments, more after a pause, and enough for two threads.
    let (rows, dimensions, mut random) = (40_000, 160, Random::new(70));
    let keys: Vec<Key> = (0..rows).map(|row| Key::new(row / 2, (row % 2) as u8, 0)).collect();
    let direction = random.unit(dimensions);
    let kinds: [(&str, Vec<f32>); 4] = [
        ("without structure", unit_rows(&mut random, rows as usize, dimensions)),
        ("around a direction", keys.iter().flat_map(|_| random.near(&direction, 0.12)).collect()),
        ("all nearly equal", keys.iter().flat_map(|_| random.near(&direction, 1e-4)).collect()),
        // Each nearer than the ones before it: the threshold is never near its end.
        (
            "nearer and nearer",
            keys.iter().flat_map(|key| random.near(&direction, 3.0 / (key.entry + 5) as f32)).collect(),
        ),
    ];
    let few: EntrySet = (0..rows / 2).step_by(2).collect();
    for (name, data) in kinds {
        let mut exact = FlatIndex::new(dimensions).unwrap();
        exact.upsert(&keys, &data).unwrap();
        let mut index = Sq8Index::new(dimensions, Arc::new(exact.clone())).unwrap();
        index.upsert(&keys, &data).unwrap();
        let queries: Vec<f32> =
            [random.unit(dimensions), direction.clone(), data[..dimensions].to_vec()].concat();
        for options in [
            SearchOptions::new(1),
            SearchOptions::new(10),
            SearchOptions::new(10).with_ties(),
            SearchOptions::new(300),
            SearchOptions::new(7).with_entries(&few),
            SearchOptions::new(7).with_exclude(&few).with_threads(2),
        ] {
            let due = exact.search_batch(&queries, &options).unwrap();
            assert_eq!(index.search_batch(&queries, &options).unwrap(), due, "{name}, {options:?}");
            for (query, due) in queries.chunks_exact(dimensions).zip(&due) {
                assert_eq!(&index.search(query, &options).unwrap(), due, "{name}, one query, {options:?}");
            }
        }
    }
}

#[test]
fn a_row_lost_by_the_source_is_a_typed_error() {
    let key = Key::new(4, 1, 2);
    let mut index = Sq8Index::new(2, Arc::new(NaiveIndex::new(2))).unwrap();
    index.upsert(&[key], &[1.0, 0.0]).unwrap();
    let error = index.search(&[1.0, 0.0], &SearchOptions::new(1)).unwrap_err();
    assert!(matches!(error, Error::MissingRow { key: lost } if lost == key), "{error}");

    struct Short;
    impl VectorSource for Short {
        fn rows(&self, _keys: &[Key], out: &mut Vec<f32>) -> Result<(), Error> {
            out.push(1.0);
            Ok(())
        }
    }
    let mut index = Sq8Index::new(2, Arc::new(Short)).unwrap();
    index.upsert(&[key], &[1.0, 0.0]).unwrap();
    let error = index.search(&[1.0, 0.0], &SearchOptions::new(1)).unwrap_err();
    assert_eq!(error.to_string(), "vector source: expected 2 numbers, got 1");
}

/// An index with rows moved about, and its source.
fn worn_index(rows: i64, dimensions: usize, seed: u64) -> (Sq8Index, NaiveIndex) {
    let mut random = Random::new(seed);
    let mut naive = NaiveIndex::new(dimensions);
    let keys: Vec<Key> =
        (0..rows).map(|i| Key::new(i * 31 % 997 - 200, (i % 3) as u8, (i / 997) as u16)).collect();
    let data = unit_rows(&mut random, keys.len(), dimensions);
    let mut index = Sq8Index::new(dimensions, Arc::new(NaiveIndex::new(dimensions))).unwrap();
    for target in [&mut index as &mut dyn VectorIndex, &mut naive] {
        target.upsert(&keys, &data).unwrap();
        target.remove_entry(17).unwrap();
        target.remove(&keys[..keys.len() / 10]).unwrap();
    }
    index.set_source(Arc::new(naive.clone()));
    (index, naive)
}

fn import(index: &Sq8Index, blocks: &[Vec<u8>]) -> Result<Sq8Index, Error> {
    Sq8Index::import(index.dimensions(), Arc::clone(&index.source), blocks.iter().map(Ok))
}

#[test]
fn exported_codes_come_back() {
    for (rows, dimensions) in [(0, 5), (1, 5), (300, 7), (3000, 40)] {
        let (index, mut naive) = worn_index(rows, dimensions, 63);
        let mut blocks: Vec<Vec<u8>> = index.export().collect();
        blocks.reverse();
        // Some as an older version of this crate left them.
        for block in blocks.iter_mut().skip(1) {
            *block = of_version_1(block, dimensions);
        }
        let mut copy = import(&index, &blocks).unwrap();
        assert_eq!(copy.len(), index.len());
        let mut random = Random::new(64);
        for round in 0..3 {
            let query = random.unit(dimensions);
            let options = SearchOptions::new(12);
            crate::testing::assert_same(
                &copy,
                &naive,
                &query,
                &options,
                &format!("{rows} rows, round {round}"),
            );
            // And it goes on living.
            let (key, row) = (Key::new(round, 0, 0), random.unit(dimensions));
            for target in [&mut copy as &mut dyn VectorIndex, &mut naive] {
                target.upsert(&[key], &row).unwrap();
                target.remove_entry(round + 5).unwrap();
            }
            copy.set_source(Arc::new(naive.clone()));
        }
    }
}

#[test]
fn damaged_blocks_are_refused() {
    let (index, _) = worn_index(300, 6, 65);
    let blocks: Vec<Vec<u8>> = index.export().collect();
    let detail = |blocks: &[Vec<u8>]| import(&index, blocks).unwrap_err().to_string();
    let sealed = |mut body: Vec<u8>| {
        let sum = crate::checksum::xxh64(&body);
        body.extend_from_slice(&sum.to_le_bytes());
        vec![body]
    };
    for at in (0..blocks[0].len()).step_by(101) {
        let mut damaged = blocks.clone();
        damaged[0][at] ^= 1;
        assert!(detail(&damaged).contains("expected checksum"), "byte {at}");
    }
    for length in [0, 7, 8, 20, blocks[0].len() - 1] {
        assert!(import(&index, &[blocks[0][..length].to_vec()]).is_err(), "{length} bytes");
    }
    // Sound checksums over wrong contents.
    let body = blocks[0][..blocks[0].len() - 8].to_vec();
    assert!(detail(&sealed(body[..body.len() - 1].to_vec())).contains("bytes, got"));
    assert!(detail(&sealed(b"something else".to_vec())).contains("not an int8 block"));
    let mut other = body.clone();
    other[8] += 1;
    assert!(detail(&sealed(other)).contains("expected 6 dimensions, got 7"));
    let mut other = body.clone();
    other[7] = 3;
    assert!(detail(&sealed(other)).contains("expected an int8 block of version 1 or 2, got 3"));
    // The last row's first code becomes -128, in both versions.
    let rows = u32::from_le_bytes(body[12..16].try_into().unwrap()) as usize;
    let (plane, mut other) = (index.table.shape().plane_bytes(), body.clone());
    for low_then_high in [plane, plane + rows * plane] {
        let end = other.len();
        other[end - low_then_high] &= 0xF0;
    }
    assert!(detail(&sealed(other)).contains("out of range"));
    let before = of_version_1(&blocks[0], 6);
    assert!(import(&index, std::slice::from_ref(&before)).is_ok());
    let mut other = before[..before.len() - 8].to_vec();
    *other.last_mut().unwrap() = i8::MIN.cast_unsigned();
    assert!(detail(&sealed(other)).contains("out of range"));
    // A scale, and residuals, that no row of unit vectors has.
    let scales = body.len() - rows * (2 * plane + 12);
    for factor in 0..3 {
        let mut other = body.clone();
        let at = scales + factor * 4 * rows;
        other[at..at + 4].copy_from_slice(&f32::MAX.to_le_bytes());
        assert!(detail(&sealed(other)).contains("out of range"));
    }
    // Half of a code that misses less than the whole of it.
    let mut other = body.clone();
    let at = scales + 2 * 4 * rows;
    other[at..at + 4].copy_from_slice(&0_f32.to_le_bytes());
    assert!(detail(&sealed(other)).contains("out of range"));
    let mut other = body;
    other[12..16].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(detail(&sealed(other)).contains("bytes, got"));
    // Sound blocks that don't belong together.
    assert!(detail(&[blocks[0].clone(), blocks[0].clone()]).contains("comes twice"));
    let (stranger, _) = worn_index(300, 6, 66);
    let strange = stranger.export().next().unwrap();
    assert!(detail(&[blocks[0].clone(), strange]).contains("different exports"));
}

#[test]
fn parts_exported_one_after_the_other_are_imported_together() {
    const PART: usize = 300;
    let (dimensions, mut random) = (6, Random::new(69));
    let mut naive = NaiveIndex::new(dimensions);
    let mut part = Sq8Index::new(dimensions, Arc::new(NaiveIndex::new(dimensions))).unwrap();
    let mut blocks = Vec::new();
    for number in 0..3 {
        // Each part has a mean of its own, far from the others'.
        let direction = random.unit(dimensions);
        let keys: Vec<Key> = (0..PART as i64).map(|row| Key::new(number * 1000 + row, 0, 0)).collect();
        let rows: Vec<f32> = keys.iter().flat_map(|_| random.near(&direction, 0.1)).collect();
        for target in [&mut part as &mut dyn VectorIndex, &mut naive] {
            target.upsert(&keys, &rows).unwrap();
        }
        blocks.extend(part.export());
        part = part.emptied();
    }
    let source = Arc::new(naive.clone());
    let index = Sq8Index::import(dimensions, source, blocks.iter().map(Ok)).unwrap();
    assert_eq!(index.len(), 3 * PART);
    let query = random.unit(dimensions);
    crate::testing::assert_same(&index, &naive, &query, &SearchOptions::new(20), "three parts");
}

#[test]
fn streamed_codes_answer_as_the_index() {
    for (rows, dimensions) in [(0, 3), (1, 3), (3000, 40)] {
        let (index, naive) = worn_index(rows, dimensions, 67);
        let mut blocks: Vec<Vec<u8>> = index.export().collect();
        if let Some(last) = blocks.last_mut() {
            *last = of_version_1(last, dimensions);
        }
        let stream = Sq8Stream::new(dimensions, index.len(), blocks, naive.clone()).unwrap();
        let mut random = Random::new(68);
        let few: crate::EntrySet = (-100..300).step_by(29).collect();
        let queries = unit_rows(&mut random, 9, dimensions);
        for options in
            [SearchOptions::new(1), SearchOptions::new(50), SearchOptions::new(5).with_entries(&few)]
        {
            let context = format!("{rows} rows, {options:?}");
            crate::testing::assert_same(&stream, &naive, &queries[..dimensions], &options, &context);
            let due = naive.search_batch(&queries, &options).unwrap();
            assert_eq!(stream.search_batch(&queries, &options).unwrap(), due, "{context}");
        }
        assert_eq!(stream.stats().queries, if rows == 0 { 0 } else { 30 });
    }
    let stream = Sq8Stream::new(3, 1, vec![vec![1, 2, 3]], NaiveIndex::new(3)).unwrap();
    let error = stream.search(&[1.0, 0.0, 0.0], &SearchOptions::new(1)).unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error}");
}
