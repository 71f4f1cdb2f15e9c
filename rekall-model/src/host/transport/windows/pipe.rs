//! Instances of a named pipe, one for each client.
#![allow(unsafe_code)]

use std::io;
use std::os::windows::io::{AsRawHandle, BorrowedHandle, FromRawHandle, OwnedHandle};
use std::time::Duration;

use windows_sys::Win32::Foundation::{ERROR_SEM_TIMEOUT, INVALID_HANDLE_VALUE};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_FLAG_FIRST_PIPE_INSTANCE, FILE_FLAG_OVERLAPPED, PIPE_ACCESS_DUPLEX,
};
use windows_sys::Win32::System::Pipes::{
    CreateNamedPipeW, DisconnectNamedPipe, PIPE_READMODE_BYTE, PIPE_REJECT_REMOTE_CLIENTS, PIPE_TYPE_BYTE,
    PIPE_UNLIMITED_INSTANCES, PIPE_WAIT, WaitNamedPipeW,
};

use super::overlapped::milliseconds;
use super::security::Descriptor;
use super::{is, wide};

/// Bytes that wait in a pipe in either direction.
pub(super) const BUFFER: u32 = 64 << 10;

/// Makes an instance that the next client gets. None is made where the first one of that name is somebody else's.
pub(super) fn create(name: &str, user: &str, is_first: bool) -> io::Result<OwnedHandle> {
    let descriptor = Descriptor::of_user_alone(user)?;
    let (attributes, name) = (descriptor.attributes(), wide(name));
    let first = if is_first { FILE_FLAG_FIRST_PIPE_INSTANCE } else { 0 };
    // SAFETY: the name ends with a zero, and the attributes point to a descriptor that is there until the end of this function.
    let pipe = unsafe {
        CreateNamedPipeW(
            name.as_ptr(),
            PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED | first,
            PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS,
            PIPE_UNLIMITED_INSTANCES,
            BUFFER,
            BUFFER,
            0,
            &raw const attributes,
        )
    };
    if pipe == INVALID_HANDLE_VALUE {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it was made just now, and nobody else closes it.
    Ok(unsafe { OwnedHandle::from_raw_handle(pipe) })
}

/// Ends the connection with an instance's client, which hears of it at once, as does whoever waits at this end.
pub(super) fn disconnect(pipe: BorrowedHandle<'_>) {
    // SAFETY: the handle is open. It fails only for what is no serving end, and where nothing is connected.
    unsafe { DisconnectNamedPipe(pipe.as_raw_handle()) };
}

/// Waits until there is an instance that has no client. Another one may be faster than whoever asked.
pub(super) fn wait_for_instance(name: &str, within: Duration) -> io::Result<()> {
    let name = wide(name);
    // 0 would be a time that the pipe's maker chose.
    let within = milliseconds(Some(within)).max(1);
    // SAFETY: the name ends with a zero.
    if unsafe { WaitNamedPipeW(name.as_ptr(), within) } != 0 {
        return Ok(());
    }
    let error = io::Error::last_os_error();
    Err(if is(&error, ERROR_SEM_TIMEOUT) { io::ErrorKind::TimedOut.into() } else { error })
}
