//! Output parameters: emptied when a call begins, filled when it succeeds.

use crate::boundary::error::Failure;
use crate::boundary::registry::Registered;
use crate::boundary::status::REKALL_BUFFER_TOO_SMALL;

/// An output parameter of the caller's.
pub(crate) trait Output: Sized {
    /// What is written to it.
    type Value;

    /// Empties it, where that may take too long to be done before the call can be interrupted.
    fn begin(&self) {}

    /// Refuses a pointer that nothing can be written to.
    fn check(&self) -> Result<(), Failure>;

    /// Writes the result.
    fn fill(self, value: Self::Value) -> Result<(), Failure>;

    /// Does the work and writes its result.
    fn answer(self, work: impl FnOnce() -> Result<Self::Value, Failure>) -> Result<(), Failure> {
        self.check()?;
        self.fill(work()?)
    }
}

/// For calls without a result.
impl Output for () {
    type Value = ();

    fn check(&self) -> Result<(), Failure> {
        Ok(())
    }

    fn fill(self, (): ()) -> Result<(), Failure> {
        Ok(())
    }
}

/// An output for a plain value.
#[derive(Clone, Copy)]
pub(crate) struct Out<T> {
    target: *mut T,
    required: bool,
}

impl<T> Out<T> {
    /// # Safety
    /// `target` is NULL or may be written to until the call returns.
    pub(crate) unsafe fn optional(target: *mut T, empty: T) -> Self {
        let out = Self { target, required: false };
        out.set(empty);
        out
    }

    /// As [`optional`](Self::optional), and NULL is misuse.
    ///
    /// # Safety
    /// As for [`optional`](Self::optional).
    pub(crate) unsafe fn required(target: *mut T, empty: T) -> Self {
        // SAFETY: as promised by the caller.
        Self { required: true, ..unsafe { Self::optional(target, empty) } }
    }

    /// Nothing happens when the caller does not want the value.
    pub(crate) fn set(&self, value: T) {
        if !self.target.is_null() {
            // SAFETY: the constructors were promised that this is writable.
            unsafe { self.target.write(value) };
        }
    }
}

impl<T> Output for Out<T> {
    type Value = T;

    fn check(&self) -> Result<(), Failure> {
        if self.required && self.target.is_null() { Err(Failure::null("out")) } else { Ok(()) }
    }

    fn fill(self, value: T) -> Result<(), Failure> {
        self.set(value);
        Ok(())
    }
}

/// An output for an object, which the caller then owns.
pub(crate) struct OutObject<T>(Out<*mut T>);

impl<T> OutObject<T> {
    /// # Safety
    /// As for [`Out::optional`].
    pub(crate) unsafe fn optional(target: *mut *mut T) -> Self {
        // SAFETY: as promised by the caller.
        Self(unsafe { Out::optional(target, std::ptr::null_mut()) })
    }

    /// # Safety
    /// As for [`Out::required`].
    pub(crate) unsafe fn required(target: *mut *mut T) -> Self {
        // SAFETY: as promised by the caller.
        Self(unsafe { Out::required(target, std::ptr::null_mut()) })
    }
}

impl<T: Registered> Output for OutObject<T> {
    type Value = T;

    fn check(&self) -> Result<(), Failure> {
        self.0.check()
    }

    fn fill(self, object: T) -> Result<(), Failure> {
        if !self.0.target.is_null() {
            self.0.set(T::registry().hand_out(object));
        }
        Ok(())
    }
}

/// An output, and another one that stays empty where there is nothing to write to it.
pub(crate) struct OutAnd<A, B>(pub(crate) A, pub(crate) B);

impl<A: Output, B: Output> Output for OutAnd<A, B> {
    type Value = (A::Value, Option<B::Value>);

    fn begin(&self) {
        self.0.begin();
        self.1.begin();
    }

    fn check(&self) -> Result<(), Failure> {
        self.0.check()?;
        self.1.check()
    }

    fn fill(self, (value, other): Self::Value) -> Result<(), Failure> {
        self.0.fill(value)?;
        other.map_or(Ok(()), |other| self.1.fill(other))
    }
}

/// An output for several objects, which the caller then owns.
pub(crate) struct OutObjects<T> {
    list: OutList<*mut T>,
    is_missing: bool,
}

impl<T> OutObjects<T> {
    /// NULL is misuse, unless there is nothing to write.
    ///
    /// # Safety
    /// As for [`OutList::optional`].
    pub(crate) unsafe fn required(first: *mut *mut T, count: usize) -> Self {
        // SAFETY: as promised by the caller.
        let list = unsafe { OutList::optional(first, count, std::ptr::null_mut()) };
        Self { list, is_missing: first.is_null() && count > 0 }
    }
}

impl<T: Registered> Output for OutObjects<T> {
    type Value = Vec<T>;

    fn begin(&self) {
        self.list.begin();
    }

    fn check(&self) -> Result<(), Failure> {
        if self.is_missing { Err(Failure::null("outs")) } else { Ok(()) }
    }

    fn fill(self, objects: Vec<T>) -> Result<(), Failure> {
        // As many as there is room for: what is not written is not let go of either.
        let objects = objects.into_iter().take(self.list.count);
        self.list.write(objects.map(|object| T::registry().hand_out(object)));
        Ok(())
    }
}

/// An output for several values, or NULL.
pub(crate) struct OutList<T> {
    first: *mut T,
    count: usize,
    empty: T,
}

impl<T: Copy> OutList<T> {
    /// # Safety
    /// `first` is NULL or has room for `count` values until the call returns.
    pub(crate) unsafe fn optional(first: *mut T, count: usize, empty: T) -> Self {
        // A count beyond any memory is refused with the values that it counts.
        let possible = !first.is_null() && count <= isize::MAX as usize / size_of::<T>().max(1);
        Self { first, count: if possible { count } else { 0 }, empty }
    }

    fn write(&self, values: impl Iterator<Item = T>) {
        for (at, value) in values.take(self.count).enumerate() {
            // SAFETY: the constructor was promised room for so many.
            unsafe { self.first.add(at).write(value) };
        }
    }
}

impl<T: Copy> Output for OutList<T> {
    type Value = Vec<T>;

    fn begin(&self) {
        self.write(std::iter::repeat(self.empty));
    }

    fn check(&self) -> Result<(), Failure> {
        Ok(())
    }

    fn fill(self, values: Vec<T>) -> Result<(), Failure> {
        self.write(values.into_iter());
        Ok(())
    }
}

/// A buffer that may be too small for the result; the size needed is written in any case.
pub(crate) struct OutBuffer<T> {
    name: &'static str,
    target: *mut T,
    capacity: usize,
    len: Out<usize>,
    /// Written after the last value, and not counted.
    end: Option<T>,
}

impl<T: Copy> OutBuffer<T> {
    /// # Safety
    /// `target` is NULL or has `capacity` values that may be written to; `len` is NULL or may be written to.
    pub(crate) unsafe fn new(
        name: &'static str,
        target: *mut T,
        capacity: usize,
        len: *mut usize,
        end: Option<T>,
    ) -> Self {
        // SAFETY: as promised by the caller.
        let len = unsafe { Out::optional(len, 0) };
        if let (Some(end), true) = (end, capacity > 0 && !target.is_null()) {
            // SAFETY: there is room for one value at the least.
            unsafe { target.write(end) };
        }
        Self { name, target, capacity, len, end }
    }
}

impl<T: Copy> Output for OutBuffer<T> {
    type Value = Vec<T>;

    fn check(&self) -> Result<(), Failure> {
        if self.target.is_null() && self.capacity > 0 {
            return Err(Failure::misuse(format!(
                "{} is NULL with a capacity of {}",
                self.name, self.capacity
            )));
        }
        Ok(())
    }

    fn fill(self, mut values: Vec<T>) -> Result<(), Failure> {
        self.len.set(values.len());
        values.extend(self.end);
        if values.len() > self.capacity {
            let message = format!("{} must have room for {}, got {}", self.name, values.len(), self.capacity);
            return Err(Failure::new(REKALL_BUFFER_TOO_SMALL, message));
        }
        // SAFETY: the constructor was promised that so many are writable.
        unsafe { self.target.copy_from_nonoverlapping(values.as_ptr(), values.len()) };
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::ptr::{null, null_mut};

    use super::*;
    use crate::boundary::status::{REKALL_ERROR, REKALL_MISUSE};

    crate::boundary::registry::registered!(String);

    fn failed<T>() -> Result<T, Failure> {
        Err(Failure::new(REKALL_ERROR, "for a test"))
    }

    #[test]
    fn a_value_is_empty_until_the_work_is_done() {
        let mut value = 7;
        // SAFETY: variables of this test; so below.
        let out = unsafe { Out::optional(&raw mut value, 0) };
        out.answer(failed).unwrap_err();
        assert_eq!(value, 0);
        // SAFETY: as above.
        unsafe { Out::required(&raw mut value, 0) }.answer(|| Ok(5)).unwrap();
        assert_eq!(value, 5);
        // SAFETY: NULL.
        unsafe { Out::optional(null_mut(), 0) }.answer(|| Ok(5)).unwrap();
        // SAFETY: NULL.
        let refused = unsafe { Out::required(null_mut(), 0) }.answer(failed).unwrap_err();
        assert_eq!((refused.status, refused.message.as_str()), (REKALL_MISUSE, "out is NULL"));
    }

    #[test]
    fn an_object_is_handed_over_or_dropped() {
        let mut object = null_mut();
        // SAFETY: a variable of this test; the object in it is ours to free.
        unsafe {
            OutObject::required(&raw mut object).answer(|| Ok(String::from("text"))).unwrap();
            assert_eq!(*object, "text");
            crate::boundary::registry::free(object);
            OutObject::optional(null_mut()).answer(|| Ok(String::from("nobody wants it"))).unwrap();
            OutObject::<String>::optional(&raw mut object).answer(failed).unwrap_err();
        }
        assert!(object.is_null());
    }

    #[test]
    fn a_list_takes_no_more_than_it_has_room_for() {
        let mut values = [7; 3];
        // SAFETY: variables of this test.
        let list = unsafe { OutList::optional(values.as_mut_ptr(), 2, 0) };
        list.answer(|| Ok(vec![1, 2, 3])).unwrap();
        assert_eq!(values, [1, 2, 7]);
        // SAFETY: the count is refused before anything is written.
        let list = unsafe { OutList::optional(values.as_mut_ptr(), usize::MAX, 0) };
        list.answer(|| Ok(vec![4])).unwrap();
        assert_eq!(values, [1, 2, 7]);
    }

    #[test]
    fn a_buffer_that_is_too_small_says_what_it_needs() {
        let (mut buffer, mut len) = ([7_u8; 6], 9);
        for (capacity, fits) in [(5, true), (6, true), (4, false), (0, false)] {
            buffer.fill(7);
            // SAFETY: variables of this test.
            let buffer_out =
                unsafe { OutBuffer::new("buffer", buffer.as_mut_ptr(), capacity, &raw mut len, Some(0)) };
            let result = buffer_out.answer(|| Ok(b"text".to_vec()));
            assert_eq!((result.is_ok(), len), (fits, 4));
            assert_eq!(&buffer[..5] == b"text\0", fits);
            assert!(buffer[capacity..].iter().all(|byte| *byte == 7));
        }
        // SAFETY: NULL with a capacity is refused.
        let buffer_out = unsafe { OutBuffer::new("buffer", null::<u8>().cast_mut(), 3, &raw mut len, None) };
        assert_eq!(buffer_out.answer(failed).unwrap_err().message, "buffer is NULL with a capacity of 3");
    }
}
