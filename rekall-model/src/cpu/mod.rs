//! Arithmetic of a transformer on the processor: matrix products with weights packed once, and functions of
//! rows. The same code serves all instruction sets; `pulp` picks AVX-512, AVX2 with FMA, NEON or plain
//! code at run time. Products of eight-bit integers ([`multiply_int8`]) have kernels of their own.
//!
//! Every output element is a sum taken in one fixed order, whatever the number of rows beside it and
//! whatever the number of threads: the same text gives the same bits alone and in any batch.

mod buffer;
mod elementwise;
mod functions;
mod gemm;
mod int8;
mod norm;
mod pack;
mod prefetch;
mod softmax;
mod testing;
mod tiles;

pub(crate) use buffer::Buffer;
pub(crate) use elementwise::{add_scaled, rotate_rows};
pub(crate) use gemm::{Activation, Product, multiply};
pub(crate) use int8::{PackedInt8, multiply_int8};
pub(crate) use norm::{add_layer_norm, add_then_norm, layer_norm, rms_norm};
pub(crate) use pack::{Packed, PackedView, panel_width};
pub(crate) use softmax::softmax_rows;
