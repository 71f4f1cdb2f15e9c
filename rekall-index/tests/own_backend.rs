//! The contract's suite on the backend that `examples/own_backend.rs` shows: what one line gives a backend of yours.

#[path = "../examples/own_backend.rs"]
#[allow(dead_code, unreachable_pub, reason = "a program of its own, whose main is not run here")]
mod own_backend;

use own_backend::PrefixIndex;

rekall_index::conformance!(half_the_components, |dimensions: usize| PrefixIndex::new(
    dimensions,
    dimensions.div_ceil(2)
)
.unwrap());
rekall_index::conformance!(no_components, |dimensions| PrefixIndex::new(dimensions, 0).unwrap());
