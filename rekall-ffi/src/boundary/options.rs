//! Structs with a size: how a program and a library of different ages read each other's.

use std::mem::MaybeUninit;

use crate::boundary::error::Failure;
use crate::boundary::out::Output;

/// More than any option struct will ever have: beyond it the size was not set.
const LARGEST: usize = 4096;

/// An option struct of the header.
///
/// # Safety
/// The type is `repr(C)`, starts with a `usize` that holds the struct's size, and all bytes zero are a valid
/// value of it, as is any mixture of a valid value's first bytes and zeroes after them.
pub(crate) unsafe trait SizedStruct: Copy {
    /// Its name in C.
    const NAME: &'static str;
}

/// Declares option structs. Each has, after `struct_size`, integers, floats, raw pointers, `Option`s of functions and
/// structs of these: all of which may be zero. The last member ends where the struct does: padding after it would be
/// what a member added later has, to which an older program gave no value.
macro_rules! sized {
    ($($type:ty, ..$last:ident => $name:literal),+ $(,)?) => {
        $(
            const _: () = assert!(
                std::mem::offset_of!($type, $last) + crate::boundary::options::size_of_member(|value: &$type| &value.$last)
                    == size_of::<$type>()
            );

            // SAFETY: repr(C), struct_size first, and nothing in it that may not be zero.
            unsafe impl crate::boundary::options::SizedStruct for $type {
                const NAME: &'static str = $name;
            }
        )+
    };
}
pub(crate) use sized;

pub(crate) const fn size_of_member<T, M>(_: fn(&T) -> &M) -> usize {
    size_of::<M>()
}

/// Whether some version of the struct can have that size: a true sizeof is a multiple of the alignment; any other could
/// cut a pointer in two.
fn can_be<T>(size: usize) -> bool {
    (size_of::<usize>()..=LARGEST).contains(&size) && size.is_multiple_of(align_of::<T>())
}

/// Sets a struct up: its size, and the default in all members, those included that only the caller knows.
///
/// # Safety
/// NULL, or `size` bytes that may be written to.
pub(crate) unsafe fn init<T: SizedStruct>(place: *mut T, size: usize) {
    if place.is_null() || !place.is_aligned() || !can_be::<T>(size) {
        return;
    }
    // SAFETY: so many bytes are promised, a size's at the least, and they are aligned.
    unsafe {
        place.cast::<u8>().write_bytes(0, size);
        place.cast::<usize>().write(size);
    }
}

/// Looks at the size that stands at the beginning of a struct.
///
/// # Safety
/// Not NULL; as many bytes as the struct says may be read.
unsafe fn size<T: SizedStruct>(data: *const T) -> Result<usize, Failure> {
    if !data.is_aligned() {
        return Err(Failure::misuse(format!("{} is not aligned", T::NAME)));
    }
    // SAFETY: aligned, and a size is promised to stand there.
    let size = unsafe { data.cast::<usize>().read() };
    if can_be::<T>(size) {
        return Ok(size);
    }
    Err(Failure::misuse(format!(
        "{}.struct_size is {size}: start from {}_INIT or {}_init()",
        T::NAME,
        T::NAME.to_ascii_uppercase(),
        T::NAME
    )))
}

/// The options that a caller gave; `None` for NULL. What an older caller does not know is zero.
///
/// # Safety
/// NULL, or as many bytes as the struct says may be read.
pub(crate) unsafe fn read<T: SizedStruct>(data: *const T) -> Result<Option<T>, Failure> {
    if data.is_null() {
        return Ok(None);
    }
    // SAFETY: as promised by the caller.
    let size = unsafe { size(data)? };
    let known = size.min(size_of::<T>());
    let mut value = MaybeUninit::<T>::zeroed();
    // SAFETY: `known` bytes may be read there and written here.
    unsafe { value.as_mut_ptr().cast::<u8>().copy_from_nonoverlapping(data.cast(), known) };
    for at in known..size {
        // SAFETY: still within the size that the caller gave.
        if unsafe { data.cast::<u8>().add(at).read() } != 0 {
            return Err(Failure::unsupported(format!(
                "{} has {size} bytes and sets one beyond the {} that this version knows",
                T::NAME,
                size_of::<T>()
            )));
        }
    }
    // SAFETY: the trait promises that such a mixture is valid.
    Ok(Some(unsafe { value.assume_init() }))
}

/// As [`read`], with all zeroes for NULL.
///
/// # Safety
/// As for [`read`].
pub(crate) unsafe fn read_or_default<T: SizedStruct>(data: *const T) -> Result<T, Failure> {
    // SAFETY: as promised by the caller; the trait promises that zeroes are valid.
    unsafe { Ok(read(data)?.unwrap_or_else(|| MaybeUninit::zeroed().assume_init())) }
}

/// As [`read`], and NULL is refused.
///
/// # Safety
/// As for [`read`].
pub(crate) unsafe fn read_required<T: SizedStruct>(data: *const T) -> Result<T, Failure> {
    // SAFETY: as promised by the caller.
    unsafe { read(data) }?.ok_or_else(|| Failure::null(T::NAME))
}

/// A struct that the caller lets the library fill.
pub(crate) struct OutStruct<T> {
    place: *mut T,
    /// As the caller says; 0 where that cannot be.
    size: usize,
    required: bool,
}

impl<T: SizedStruct> OutStruct<T> {
    /// Empties the struct, all but its size.
    ///
    /// # Safety
    /// NULL, or as many bytes as the struct says may be read and written until the call returns.
    pub(crate) unsafe fn optional(place: *mut T) -> Self {
        let mut report = Self { place, size: 0, required: false };
        if !place.is_null() {
            // SAFETY: as promised by the caller.
            report.size = unsafe { size(place.cast_const()) }.unwrap_or(0);
            // SAFETY: all zeroes are a value.
            report.write(&unsafe { MaybeUninit::zeroed().assume_init() });
        }
        report
    }

    /// As [`optional`](Self::optional), and NULL is misuse.
    ///
    /// # Safety
    /// As for [`optional`](Self::optional).
    pub(crate) unsafe fn required(place: *mut T) -> Self {
        // SAFETY: as promised by the caller.
        Self { required: true, ..unsafe { Self::optional(place) } }
    }

    /// Writes what the caller's version knows of it, and zeroes for what only the caller's knows.
    fn write(&self, value: &T) {
        let first = size_of::<usize>();
        let known = self.size.min(size_of::<T>());
        if known <= first {
            return;
        }
        // SAFETY: the constructor was promised that `size` bytes are writable; the two do not overlap.
        unsafe {
            let (from, to) = (std::ptr::from_ref(value).cast::<u8>(), self.place.cast::<u8>());
            to.add(first).copy_from_nonoverlapping(from.add(first), known - first);
            to.add(known).write_bytes(0, self.size - known);
        }
    }
}

impl<T: SizedStruct> Output for OutStruct<T> {
    type Value = T;

    fn check(&self) -> Result<(), Failure> {
        match (self.place.is_null(), self.required) {
            (true, true) => Err(Failure::null(T::NAME)),
            (true, false) => Ok(()),
            // SAFETY: as the constructor was promised.
            (false, _) => unsafe { size(self.place.cast_const()) }.map(drop),
        }
    }

    fn fill(self, value: T) -> Result<(), Failure> {
        self.write(&value);
        Ok(())
    }
}

/// Refuses flags that this version does not know.
pub(crate) fn flags(given: u32, known: u32, what: &str) -> Result<u32, Failure> {
    if given & !known == 0 {
        return Ok(given);
    }
    Err(Failure::misuse(format!("{what} has unknown flags: {:#x}", given & !known)))
}

/// Refuses a member that is set where what makes it count is not: it would be ignored silently.
pub(crate) fn goes_with(is_set: bool, member: &str, counts: bool, with: &str) -> Result<(), Failure> {
    match is_set && !counts {
        true => Err(Failure::misuse(format!("{member} is set without {with}"))),
        false => Ok(()),
    }
}

/// Refuses a member that waits for a use: 0 is all that this version knows.
pub(crate) fn reserved(given: u32, what: &str) -> Result<(), Failure> {
    match given {
        0 => Ok(()),
        other => Err(Failure::unsupported(format!("{what}.reserved must be 0, got {other}"))),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::boundary::status::{REKALL_MISUSE, REKALL_UNSUPPORTED};

    #[repr(C)]
    #[derive(Debug, Clone, Copy, PartialEq, Default)]
    struct Probe {
        struct_size: usize,
        first: u32,
        second: u32,
        third: u64,
    }

    sized!(Probe, ..third => "rekall_probe");

    const FULL: Probe = Probe { struct_size: size_of::<Probe>(), first: 1, second: 2, third: 3 };

    /// The struct as a newer caller has it.
    #[repr(C)]
    struct Newer {
        known: Probe,
        added: u64,
    }

    fn read_as(size: usize, added: u64) -> Result<Option<Probe>, Failure> {
        let given = Newer { known: Probe { struct_size: size, ..FULL }, added };
        // SAFETY: as many bytes as the sizes below say.
        unsafe { read((&raw const given).cast::<Probe>()) }
    }

    #[test]
    fn what_an_older_caller_does_not_know_is_zero() {
        assert_eq!(read_as(8, 9).unwrap(), Some(Probe { struct_size: 8, ..Probe::default() }));
        assert_eq!(read_as(16, 9).unwrap(), Some(Probe { struct_size: 16, third: 0, ..FULL }));
        assert_eq!(read_as(size_of::<Probe>(), 9).unwrap(), Some(FULL));
    }

    #[test]
    fn what_only_a_newer_caller_knows_must_be_zero() {
        let size = size_of::<Newer>();
        assert_eq!(read_as(size, 0).unwrap(), Some(Probe { struct_size: size, ..FULL }));
        let failure = read_as(size, 1).unwrap_err();
        assert_eq!(failure.status, REKALL_UNSUPPORTED);
        assert!(failure.message.contains("rekall_probe has 32 bytes"), "{}", failure.message);
    }

    #[test]
    fn sizes_that_cannot_be_are_refused() {
        for size in [0, 7, 9, 20, LARGEST + 8, usize::MAX] {
            let failure = read_as(size, 0).unwrap_err();
            assert_eq!(failure.status, REKALL_MISUSE);
            assert!(failure.message.contains("REKALL_PROBE_INIT"), "{}", failure.message);
        }
        // SAFETY: NULL is fine.
        unsafe {
            assert_eq!(read::<Probe>(std::ptr::null()).unwrap(), None);
            assert_eq!(read_required::<Probe>(std::ptr::null()).unwrap_err().message, "rekall_probe is NULL");
            assert_eq!(read_or_default::<Probe>(std::ptr::null()).unwrap(), Probe::default());
        }
    }

    fn filled(size: usize) -> (Newer, Result<(), Failure>) {
        let known = Probe { struct_size: size, first: 7, second: 7, third: 7 };
        let mut place = Newer { known, added: 7 };
        // SAFETY: as many bytes as the sizes below say.
        let report = unsafe { OutStruct::required((&raw mut place).cast::<Probe>()) };
        let result = report.answer(|| Ok(FULL));
        (place, result)
    }

    #[test]
    fn a_struct_is_filled_as_far_as_its_caller_knows_it() {
        let (place, result) = filled(16);
        result.unwrap();
        assert_eq!(place.known, Probe { struct_size: 16, third: 7, ..FULL });
        let (place, result) = filled(size_of::<Newer>());
        result.unwrap();
        assert_eq!((place.known.third, place.added), (3, 0));
        let (place, result) = filled(3);
        assert_eq!(result.unwrap_err().status, REKALL_MISUSE);
        assert_eq!((place.known.first, place.added), (7, 7));
    }
}
