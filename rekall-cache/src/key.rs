//! What a key must be, and how its memory is counted.

use std::hash::Hash;
use std::rc::Rc;
use std::sync::Arc;

/// A key of a cache.
///
/// **An implementer must**: keep `Eq` and `Hash` in agreement, and unchanged while the key is stored. They
/// and `Clone` run under the cache's locks, so they must neither use the cache nor panic.
///
/// **An implementer may rely on**: [`heap_bytes`](Self::heap_bytes) is called once for each vector stored,
/// under no lock, and only its result at that moment counts.
///
/// It is implemented for integers, `bool`, `char`, strings, byte strings, arrays, options, shared pointers
/// and tuples of these. For a type of your own:
///
/// ```
/// use rekall_cache::CacheKey;
///
/// #[derive(Clone, PartialEq, Eq, Hash)]
/// struct QueryKey { space: i64, text: String }
///
/// impl CacheKey for QueryKey {
///     fn heap_bytes(&self) -> usize {
///         self.text.heap_bytes()
///     }
/// }
/// ```
pub trait CacheKey: Eq + Hash + Clone {
    /// Bytes this key holds on the heap, its own `size_of` not included; 0 for plain values.
    ///
    /// An estimate is enough: it only decides what the entry counts against
    /// [`max_bytes`](crate::CacheOptions::max_bytes).
    fn heap_bytes(&self) -> usize;
}

macro_rules! plain_keys {
    ($($plain:ty)*) => {$(
        impl CacheKey for $plain {
            fn heap_bytes(&self) -> usize {
                0
            }
        }
    )*};
}

plain_keys!(() bool char u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize &'static str);

impl CacheKey for String {
    fn heap_bytes(&self) -> usize {
        self.capacity()
    }
}

impl CacheKey for Box<str> {
    fn heap_bytes(&self) -> usize {
        self.len()
    }
}

impl CacheKey for Vec<u8> {
    fn heap_bytes(&self) -> usize {
        self.capacity()
    }
}

impl CacheKey for Box<[u8]> {
    fn heap_bytes(&self) -> usize {
        self.len()
    }
}

/// Counted in full, as if nobody else held it.
impl CacheKey for Arc<str> {
    fn heap_bytes(&self) -> usize {
        REFERENCE_COUNTS + self.len()
    }
}

/// Counted in full, as if nobody else held it.
impl CacheKey for Rc<str> {
    fn heap_bytes(&self) -> usize {
        REFERENCE_COUNTS + self.len()
    }
}

/// The strong and the weak count in front of what an `Arc` or `Rc` points to.
pub(crate) const REFERENCE_COUNTS: usize = 2 * size_of::<usize>();

impl<K: CacheKey> CacheKey for Option<K> {
    fn heap_bytes(&self) -> usize {
        self.as_ref().map_or(0, CacheKey::heap_bytes)
    }
}

impl<K: CacheKey, const N: usize> CacheKey for [K; N] {
    fn heap_bytes(&self) -> usize {
        self.iter().map(CacheKey::heap_bytes).sum()
    }
}

macro_rules! tuple_keys {
    ($($name:ident $place:tt),+) => {
        impl<$($name: CacheKey),+> CacheKey for ($($name,)+) {
            fn heap_bytes(&self) -> usize {
                0 $(+ self.$place.heap_bytes())+
            }
        }
    };
}

tuple_keys!(A 0);
tuple_keys!(A 0, B 1);
tuple_keys!(A 0, B 1, C 2);
tuple_keys!(A 0, B 1, C 2, D 3);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heap_bytes_count_what_lies_outside_the_key() {
        assert_eq!(7_i64.heap_bytes(), 0);
        assert_eq!("static".heap_bytes(), 0);
        assert_eq!(String::with_capacity(100).heap_bytes(), 100);
        assert_eq!((3_u64, "abc".to_owned()).heap_bytes(), 3);
        assert_eq!((1_u8, Some(Box::<str>::from("ab")), [0_u8; 32], None::<String>).heap_bytes(), 2);
        assert_eq!(Arc::<str>::from("ab").heap_bytes(), 2 + 2 * size_of::<usize>());
        assert_eq!(Vec::<u8>::with_capacity(9).heap_bytes(), 9);
    }
}
