//! The weight of a linear layer as files have it, in floats or rounded to eight bits.

use std::ops::Range;

use pulp::bytemuck;
use safetensors::Dtype;

use super::quantization::Quantization;
use super::reader::{Matrix, Reader, element_bytes, widened};
use super::weight_files::Found;
use crate::{Error, tensors};

/// How many rows are read at a time, so that a whole matrix never exists in both forms.
const ROWS_AT_ONCE: usize = 32;

/// A weight of `columns` numbers in each row, whose shape was checked.
pub(super) struct StoredWeight<'a> {
    name: String,
    found: Found<'a>,
    columns: usize,
    form: Form,
}

enum Form {
    Floats,
    /// Whole numbers, and what each row's are multiples of.
    Rounded {
        scales: Vec<f32>,
        is_packed: bool,
    },
}

impl<'a> StoredWeight<'a> {
    /// Finds the weight of the layer `name`, and checks all but the numbers of floats.
    pub(super) fn of(reader: &Reader<'a>, name: &str, rows: usize, columns: usize) -> Result<Self, Error> {
        let weight = format!("{name}.weight");
        let quantization = reader.quantization();
        if quantization == Quantization::Packed
            && let Some(found) = reader.find(&format!("{name}.weight_packed"))
        {
            return Self::packed(reader, name, found, rows, columns);
        }
        let found = reader.find(&weight).filter(|found| found.view.dtype() == Dtype::I8);
        let Some(found) = found.filter(|_| quantization != Quantization::None) else {
            let found = reader.checked(&weight, &[rows, columns])?;
            return Ok(Self { name: weight, found, columns, form: Form::Floats });
        };
        found.has_shape(&weight, &[rows, columns])?;
        let scales = if quantization == Quantization::BitsAndBytes {
            row_by_row(reader, name)?;
            let largest = reader.numbers(&format!("{name}.SCB"), &[rows])?;
            largest.into_iter().map(|largest| largest / 127.0).collect()
        } else {
            scales(reader, name, rows)?
        };
        Ok(Self { name: weight, found, columns, form: Form::Rounded { scales, is_packed: false } })
    }

    fn packed(
        reader: &Reader<'a>,
        name: &str,
        found: Found<'a>,
        rows: usize,
        columns: usize,
    ) -> Result<Self, Error> {
        let packed = format!("{name}.weight_packed");
        found.has_type(&packed, Dtype::I32)?;
        found.has_shape(&packed, &[rows, columns.div_ceil(4)])?;
        let shape_name = format!("{name}.weight_shape");
        let shape = reader.existing(&shape_name)?;
        shape.has_type(&shape_name, Dtype::I64)?;
        let sizes = shape.view.data().as_chunks().0.iter().map(|bytes| i64::from_le_bytes(*bytes));
        let sizes: Vec<i64> = sizes.collect();
        if sizes != [rows as i64, columns as i64] {
            return Err(shape.bad(format!("`{shape_name}` to be [{rows}, {columns}]"), format!("{sizes:?}")));
        }
        let scales = scales(reader, name, rows)?;
        Ok(Self { name: packed, found, columns, form: Form::Rounded { scales, is_packed: true } })
    }

    /// Writes some of the rows into a matrix, from its column `first` on.
    ///
    /// # Errors
    /// [`Error::InvalidFile`] if they are not finite.
    pub(super) fn write(&self, rows: Range<usize>, matrix: &mut Matrix, first: usize) -> Result<(), Error> {
        let Self { name, found, columns, form } = self;
        let (dtype, all) = (found.view.dtype(), found.view.data());
        let row_bytes = match form {
            Form::Floats => columns * element_bytes(dtype),
            Form::Rounded { is_packed: true, .. } => columns.next_multiple_of(4),
            Form::Rounded { .. } => *columns,
        };
        let data = &all[rows.start * row_bytes..rows.end * row_bytes];
        tensors::check_finite(found.path, name, data, dtype)?;
        for (index, data) in data.chunks(row_bytes * ROWS_AT_ONCE).enumerate() {
            let done = index * ROWS_AT_ONCE;
            let Form::Rounded { scales, is_packed } = form else {
                matrix.set_columns(first + done, &widened(data, dtype));
                continue;
            };
            let scales = &scales[rows.start + done..][..data.len() / row_bytes];
            if *is_packed {
                // 128 less is the highest bit flipped; the order of bytes is that of the numbers.
                let rows = data.chunks_exact(row_bytes).flat_map(|row| &row[..*columns]);
                let numbers: Vec<i8> = rows.map(|byte| (byte ^ 0x80) as i8).collect();
                matrix.set_rounded(first + done, *columns, &numbers, scales);
            } else {
                matrix.set_rounded(first + done, *columns, bytemuck::cast_slice(data), scales);
            }
        }
        Ok(())
    }
}

/// Refuses the layouts of old graphics cards, which early versions of bitsandbytes wrote.
fn row_by_row(reader: &Reader<'_>, layer: &str) -> Result<(), Error> {
    let name = format!("{layer}.weight_format");
    match reader.find(&name) {
        Some(found) if found.view.data() != [0] => {
            let expected = format!("`{name}` to be 0, row by row");
            Err(found.bad(expected, format!("{:?} in {:?}", found.view.data(), found.view.dtype())))
        }
        _ => Ok(()),
    }
}

/// The scales of compressed-tensors, and that there are no zero points beside them: early versions wrote zeros.
fn scales(reader: &Reader<'_>, layer: &str, rows: usize) -> Result<Vec<f32>, Error> {
    let name = format!("{layer}.weight_zero_point");
    if let Some(found) = reader.find(&name).filter(|found| found.view.data().iter().any(|byte| *byte != 0)) {
        return Err(found.bad(format!("`{name}` without numbers but 0"), "others".into()));
    }
    let name = format!("{layer}.weight_scale");
    let is_flat = reader.existing(&name)?.view.shape().len() == 1;
    let shape = [rows, 1];
    reader.numbers(&name, if is_flat { &shape[..1] } else { &shape })
}
