//! rekall-ffi
