//! Version and build
//!
//! Looked at once, when a program starts: whether the library that it found is the one that it was compiled for.
//!
//!     if (rekall_abi_version() != REKALL_ABI_VERSION || rekall_version_number() < REKALL_VERSION_NUMBER)
//!         fprintf(stderr, "rekall %s is another library than this program was made for\n", rekall_version());
//!     if (!rekall_has_feature(REKALL_FEATURE_BUNDLED_MODEL))
//!         fprintf(stderr, "a model must be named when a file is opened\n");

use std::ffi::c_char;

/// Version of the header: first number. While it is 0, a change of the second number may break the ABI.
pub const REKALL_VERSION_MAJOR: u32 = 0;
/// Version of the header: second number.
pub const REKALL_VERSION_MINOR: u32 = 1;
/// Version of the header: third number.
pub const REKALL_VERSION_PATCH: u32 = 0;
/// Version of the header as one number, to be compared with rekall_version_number():
/// major * 1000000 + minor * 1000 + patch.
pub const REKALL_VERSION_NUMBER: u32 = 1000;
/// Version of the binary interface, to be compared with rekall_abi_version(). It grows by one when a program
/// compiled against an older header could go wrong, and never otherwise: new functions, status codes and members
/// at the end of option structs do not change it.
pub const REKALL_ABI_VERSION: u32 = 1;

/// SQLite is compiled in; otherwise the library uses the system's libsqlite3, which must be 3.45.3 or newer.
pub const REKALL_FEATURE_BUNDLED_SQLITE: u32 = 1;
/// The model for French and English is compiled in.
pub const REKALL_FEATURE_BUNDLED_MODEL: u32 = 2;
/// Batched searches are computed as matrix products.
pub const REKALL_FEATURE_FAER: u32 = 3;
/// BERT, its relatives and ModernBERT sentence models can be loaded.
pub const REKALL_FEATURE_TRANSFORMER: u32 = 4;
/// Models of a hub can be downloaded, when one is named.
pub const REKALL_FEATURE_HUB: u32 = 5;
/// Transformers can be computed by candle: the devices "candle" and, with the next four, more.
pub const REKALL_FEATURE_CANDLE: u32 = 6;
/// The devices "cuda:N".
pub const REKALL_FEATURE_CUDA: u32 = 7;
/// The devices "metal:N".
pub const REKALL_FEATURE_METAL: u32 = 8;
/// The device "candle" uses Intel's matrix products.
pub const REKALL_FEATURE_MKL: u32 = 9;
/// The device "candle" uses Apple's matrix products.
pub const REKALL_FEATURE_ACCELERATE: u32 = 10;
/// The vector backend "sqlite-vec".
pub const REKALL_FEATURE_SQLITE_VEC: u32 = 11;
/// The first built-in model, "bundled-v1", for files with vectors that it made.
pub const REKALL_FEATURE_BUNDLED_MODEL_V1: u32 = 12;
/// rekall_open() takes the URL of a memory on a PostgreSQL server.
pub const REKALL_FEATURE_POSTGRES: u32 = 13;
/// Processes can share one loaded transformer: REKALL_LOAD_HOST.
pub const REKALL_FEATURE_HOST: u32 = 14;

const _: () = assert!(
    REKALL_VERSION_NUMBER
        == REKALL_VERSION_MAJOR * 1_000_000 + REKALL_VERSION_MINOR * 1_000 + REKALL_VERSION_PATCH
);

/// The library's version as text, such as "0.1.0". Static; never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn rekall_version() -> *const c_char {
    const TEXT: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    TEXT.as_ptr().cast()
}

/// The library's version as one number: see REKALL_VERSION_NUMBER. A program that needs a function of a certain
/// version checks rekall_version_number() >= REKALL_VERSION_NUMBER once at its start.
#[unsafe(no_mangle)]
pub extern "C" fn rekall_version_number() -> u32 {
    REKALL_VERSION_NUMBER
}

/// Version of the library's binary interface. Where it is not REKALL_ABI_VERSION, the program was compiled against
/// a header that does not fit the library, and must not call anything else.
#[unsafe(no_mangle)]
pub extern "C" fn rekall_abi_version() -> u32 {
    REKALL_ABI_VERSION
}

/// 1 if the library was built with a feature (a REKALL_FEATURE_ number), else 0, also for unknown numbers.
#[unsafe(no_mangle)]
pub extern "C" fn rekall_has_feature(feature: u32) -> i32 {
    let features = [
        (REKALL_FEATURE_BUNDLED_SQLITE, cfg!(feature = "bundled-sqlite")),
        (REKALL_FEATURE_BUNDLED_MODEL, cfg!(feature = "bundled-model")),
        (REKALL_FEATURE_FAER, cfg!(feature = "faer")),
        (REKALL_FEATURE_TRANSFORMER, cfg!(feature = "transformer")),
        (REKALL_FEATURE_HUB, cfg!(feature = "hub")),
        (REKALL_FEATURE_CANDLE, cfg!(feature = "candle")),
        (REKALL_FEATURE_CUDA, cfg!(feature = "cuda")),
        (REKALL_FEATURE_METAL, cfg!(feature = "metal")),
        (REKALL_FEATURE_MKL, cfg!(feature = "mkl")),
        (REKALL_FEATURE_ACCELERATE, cfg!(feature = "accelerate")),
        (REKALL_FEATURE_SQLITE_VEC, cfg!(feature = "sqlite-vec")),
        (REKALL_FEATURE_BUNDLED_MODEL_V1, cfg!(feature = "bundled-model-v1")),
        (REKALL_FEATURE_POSTGRES, cfg!(feature = "postgres")),
        (REKALL_FEATURE_HOST, cfg!(feature = "host")),
    ];
    i32::from(features.contains(&(feature, true)))
}
