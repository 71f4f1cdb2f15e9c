//! Reads, writes, and the wait for a client, each with an end to its time.
//!
//! From the beginning of such an operation to its end the system may write to its state and to its buffer. Both are borrowed from
//! whoever calls, so nothing here returns before the system says that the operation has ended: one whose time is over is cancelled,
//! and its end is waited for all the same.
#![allow(unsafe_code)]

use std::io;
use std::os::windows::io::{AsRawHandle, BorrowedHandle, FromRawHandle, OwnedHandle};
use std::ptr;
use std::time::Duration;

use windows_sys::Win32::Foundation::{
    ERROR_IO_PENDING, ERROR_OPERATION_ABORTED, ERROR_PIPE_CONNECTED, HANDLE, STATUS_PENDING, WAIT_FAILED,
    WAIT_OBJECT_0, WAIT_TIMEOUT,
};
use windows_sys::Win32::Storage::FileSystem::{ReadFile, WriteFile};
use windows_sys::Win32::System::IO::{CancelIoEx, GetOverlappedResult, OVERLAPPED};
use windows_sys::Win32::System::Pipes::ConnectNamedPipe;
use windows_sys::Win32::System::Threading::{CreateEventW, INFINITE, SetEvent, WaitForMultipleObjects};
use windows_sys::core::BOOL;

use super::is;

/// How long it waits where the system could not be asked for the end of an operation.
const PAUSE: Duration = Duration::from_millis(1);

/// What threads wait for. Once set, it stays so.
#[derive(Debug)]
pub(super) struct Event(OwnedHandle);

impl Event {
    pub(super) fn new() -> io::Result<Self> {
        // SAFETY: attributes and name are not given, which null says.
        let handle = unsafe { CreateEventW(ptr::null(), 1, 0, ptr::null()) };
        if handle.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: it was made just now, and nobody else closes it.
        Ok(Self(unsafe { OwnedHandle::from_raw_handle(handle) }))
    }

    pub(super) fn set(&self) -> io::Result<()> {
        // SAFETY: an event's handle, which is open for as long as `self` is there.
        match unsafe { SetEvent(self.0.as_raw_handle()) } {
            0 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        }
    }
}

/// Reads what there is, and waits for the first of it.
pub(super) fn read(
    pipe: BorrowedHandle<'_>,
    buffer: &mut [u8],
    within: Option<Duration>,
) -> io::Result<usize> {
    let most = u32::try_from(buffer.len()).unwrap_or(u32::MAX);
    let read = run(pipe, None, within, |pipe, state| {
        // SAFETY: the handle is open. The buffer has room for `most` bytes; it is borrowed until `run` returns, as is `state`, and then
        // the operation has ended.
        unsafe { ReadFile(pipe, buffer.as_mut_ptr(), most, ptr::null_mut(), state) }
    });
    read.map(Option::unwrap_or_default)
}

/// Writes all bytes, and waits until there is room for them.
pub(super) fn write(pipe: BorrowedHandle<'_>, bytes: &[u8], within: Option<Duration>) -> io::Result<usize> {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let written = run(pipe, None, within, |pipe, state| {
        // SAFETY: the handle is open. There are `length` bytes; they are borrowed until `run` returns, as is `state`, and then the operation
        // has ended.
        unsafe { WriteFile(pipe, bytes.as_ptr(), length, ptr::null_mut(), state) }
    });
    written.map(Option::unwrap_or_default)
}

/// Waits for a client; says whether one came before the signal.
pub(super) fn wait_for_client(pipe: BorrowedHandle<'_>, signal: &Event) -> io::Result<bool> {
    let waited = run(pipe, Some(signal), None, |pipe, state| {
        // SAFETY: the handle is open and the serving end of a pipe; `state` is there until the operation has ended.
        unsafe { ConnectNamedPipe(pipe, state) }
    });
    match waited {
        // It was faster than this call.
        Err(error) if is(&error, ERROR_PIPE_CONNECTED) => Ok(true),
        waited => waited.map(|came| came.is_some()),
    }
}

/// What a wait ended with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waited {
    Done,
    Signalled,
    Late,
}

/// Begins an operation and waits for its end; says how many bytes it was about, `None` where the signal came first. It has ended
/// when this returns, however it does.
fn run(
    pipe: BorrowedHandle<'_>,
    signal: Option<&Event>,
    within: Option<Duration>,
    begin: impl FnOnce(HANDLE, *mut OVERLAPPED) -> BOOL,
) -> io::Result<Option<usize>> {
    let event = Event::new()?;
    let mut state = OVERLAPPED { hEvent: event.0.as_raw_handle(), ..OVERLAPPED::default() };
    // The system writes to it, so that from here on this pointer is the only way there.
    let state = &raw mut state;
    let handle = pipe.as_raw_handle();
    if begin(handle, state) == 0 {
        let error = io::Error::last_os_error();
        // Any other error means that nothing has begun.
        if !is(&error, ERROR_IO_PENDING) {
            return Err(error);
        }
    }
    let waited = wait(&event, signal, within);
    if !matches!(waited, Ok(Waited::Done)) {
        // SAFETY: the handle is open, and `state` that of an operation on it. What this says is of no use: the operation may have ended
        // meanwhile, and whether it has is asked next in any case.
        unsafe { CancelIoEx(handle, state) };
    }
    // SAFETY: the handle is open, and `state` that of an operation that has begun on it.
    let ended = unsafe { end(handle, state) };
    match (ended, waited) {
        // Also one that was done in the moment in which it was to be cancelled: its bytes are not lost.
        (Ok(bytes), _) => Ok(Some(bytes)),
        (Err(error), Ok(waited)) if is(&error, ERROR_OPERATION_ABORTED) => match waited {
            Waited::Signalled => Ok(None),
            Waited::Late => Err(io::ErrorKind::TimedOut.into()),
            Waited::Done => Err(error),
        },
        (Err(_), Err(error)) | (Err(error), _) => Err(error),
    }
}

/// Waits until an event is set, of which the operation's own comes first.
fn wait(event: &Event, signal: Option<&Event>, within: Option<Duration>) -> io::Result<Waited> {
    let own = event.0.as_raw_handle();
    let handles = [own, signal.map_or(own, |signal| signal.0.as_raw_handle())];
    let count = if signal.is_some() { 2 } else { 1 };
    // SAFETY: `count` handles of events are read, and the events are there until this returns.
    match unsafe { WaitForMultipleObjects(count, handles.as_ptr(), 0, milliseconds(within)) } {
        WAIT_OBJECT_0 => Ok(Waited::Done),
        WAIT_TIMEOUT => Ok(Waited::Late),
        WAIT_FAILED => Err(io::Error::last_os_error()),
        _ => Ok(Waited::Signalled),
    }
}

/// Waits for the end of an operation, however long that takes: of one that was cancelled it takes no time.
///
/// # Safety
/// The handle is open, and `state` that of an operation that has begun on it.
unsafe fn end(handle: HANDLE, state: *const OVERLAPPED) -> io::Result<usize> {
    let mut bytes = 0;
    loop {
        // SAFETY: as promised by the caller; the number is written to a place of our own.
        if unsafe { GetOverlappedResult(handle, state, &raw mut bytes, 1) } != 0 {
            return Ok(bytes as usize);
        }
        let error = io::Error::last_os_error();
        // The error may be that of the operation, or of the wait for it; in that case the system still has the buffer.
        // SAFETY: as promised by the caller; the system writes to this member, so it is read where it lies.
        let status = unsafe { (&raw const (*state).Internal).read_volatile() };
        if status != STATUS_PENDING.cast_unsigned() as usize {
            return Err(error);
        }
        std::thread::sleep(PAUSE);
    }
}

/// Rounded up: no wait ends before its time.
pub(super) fn milliseconds(within: Option<Duration>) -> u32 {
    let Some(within) = within else { return INFINITE };
    u32::try_from(within.as_micros().div_ceil(1000)).unwrap_or(u32::MAX).min(INFINITE - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rounded_up_and_only_none_is_without_an_end() {
        let of = |within| milliseconds(Some(within));
        assert_eq!((of(Duration::ZERO), of(Duration::from_micros(1))), (0, 1));
        assert_eq!((of(Duration::from_millis(30)), of(Duration::from_micros(30_001))), (30, 31));
        assert_eq!((of(Duration::MAX), milliseconds(None)), (INFINITE - 1, INFINITE));
    }
}
