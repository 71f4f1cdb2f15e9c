//! Whose a process and a pipe are.
//!
//! Users are told apart by their SID, in the form in which the system writes it (`S-1-5-21-...`).
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::io;
use std::os::windows::io::{AsRawHandle, BorrowedHandle, FromRawHandle, OwnedHandle};
use std::ptr;

use windows_sys::Win32::Foundation::{HANDLE, LocalFree};
use windows_sys::Win32::Security::Authorization::{
    ConvertSidToStringSidW, ConvertStringSecurityDescriptorToSecurityDescriptorW, GetSecurityInfo,
    SDDL_REVISION_1, SE_KERNEL_OBJECT,
};
use windows_sys::Win32::Security::{
    GetTokenInformation, OWNER_SECURITY_INFORMATION, PSID, SECURITY_ATTRIBUTES, TOKEN_ELEVATION,
    TOKEN_INFORMATION_CLASS, TOKEN_QUERY, TOKEN_USER, TokenElevation, TokenUser,
};
use windows_sys::Win32::System::Pipes::GetNamedPipeClientProcessId;
use windows_sys::Win32::System::Threading::{
    GetCurrentProcess, OpenProcess, OpenProcessToken, PROCESS_QUERY_LIMITED_INFORMATION,
};

use super::wide;

/// Words that what the system says of a token has room in: a SID has 68 bytes at most.
const ROOM: usize = 32;

/// The user of this process.
pub(super) fn user() -> io::Result<String> {
    user_of(&own_token()?)
}

/// Whether this process runs as an administrator, which others of the same user may not do.
pub(super) fn is_elevated() -> io::Result<bool> {
    let told = ask(&own_token()?, TokenElevation)?;
    // SAFETY: the system has written such a struct, which is one number, to memory that is aligned for it.
    let told = unsafe { told.as_ptr().cast::<TOKEN_ELEVATION>().read() };
    Ok(told.TokenIsElevated != 0)
}

/// The user of the process at the other end of a pipe that this process serves.
///
/// # Errors
/// Where the process has ended, and where this one may not look at it.
pub(super) fn client_of(pipe: BorrowedHandle<'_>) -> io::Result<String> {
    let mut number = 0;
    // SAFETY: the handle is open, and the number is written to a place of our own.
    succeeded(unsafe { GetNamedPipeClientProcessId(pipe.as_raw_handle(), &raw mut number) })?;
    // SAFETY: no pointers are given.
    let process = unsafe { OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, 0, number) };
    if process.is_null() {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it was opened just now, and nobody else closes it.
    let process = unsafe { OwnedHandle::from_raw_handle(process) };
    // SAFETY: the handle is open.
    user_of(&unsafe { token(process.as_raw_handle()) }?)
}

/// The user whose a pipe is: who made its first instance. Nobody can make one that is another user's, the administrator excepted; so
/// unlike a process's number this cannot come to mean somebody else.
pub(super) fn owner_of(pipe: BorrowedHandle<'_>) -> io::Result<String> {
    let (mut owner, mut descriptor) = (ptr::null_mut(), ptr::null_mut());
    let none = ptr::null_mut();
    // SAFETY: the handle is open. What is asked for is written to places of our own; the rest is not asked for, which null says.
    let error = unsafe {
        GetSecurityInfo(
            pipe.as_raw_handle(),
            SE_KERNEL_OBJECT,
            OWNER_SECURITY_INFORMATION,
            &raw mut owner,
            none,
            ptr::null_mut(),
            ptr::null_mut(),
            &raw mut descriptor,
        )
    };
    if error != 0 {
        return Err(io::Error::from_raw_os_error(error.cast_signed()));
    }
    let _descriptor = Local(descriptor);
    // SAFETY: it lies in the descriptor, which is there until the end of this function.
    unsafe { text_of(owner) }
}

/// A security descriptor for what one user alone may open.
pub(super) struct Descriptor(Local);

impl Descriptor {
    pub(super) fn of_user_alone(user: &str) -> io::Result<Self> {
        let mut descriptor = ptr::null_mut();
        let text = wide(&sddl(user));
        // SAFETY: the text ends with a zero; the descriptor is written to a place of our own, its size is not asked for.
        succeeded(unsafe {
            ConvertStringSecurityDescriptorToSecurityDescriptorW(
                text.as_ptr(),
                SDDL_REVISION_1,
                &raw mut descriptor,
                ptr::null_mut(),
            )
        })?;
        Ok(Self(Local(descriptor)))
    }

    /// The attributes of what it is for, which no child inherits. They point to it.
    pub(super) fn attributes(&self) -> SECURITY_ATTRIBUTES {
        SECURITY_ATTRIBUTES {
            nLength: size_of::<SECURITY_ATTRIBUTES>() as u32,
            lpSecurityDescriptor: self.0.0,
            bInheritHandle: 0,
        }
    }
}

/// The user is the owner, also where an administrator's things would be the group's; and the only one who may do anything, without
/// what a parent would let others do.
fn sddl(user: &str) -> String {
    format!("O:{user}D:P(A;;GA;;;{user})")
}

fn own_token() -> io::Result<OwnedHandle> {
    // SAFETY: it has no condition, and its answer stands for this process.
    unsafe { token(GetCurrentProcess()) }
}

/// # Safety
/// The handle is that of a process, and open.
unsafe fn token(process: HANDLE) -> io::Result<OwnedHandle> {
    let mut token = ptr::null_mut();
    // SAFETY: as promised by the caller; the token is written to a place of our own.
    succeeded(unsafe { OpenProcessToken(process, TOKEN_QUERY, &raw mut token) })?;
    // SAFETY: it was opened just now, and nobody else closes it.
    Ok(unsafe { OwnedHandle::from_raw_handle(token) })
}

fn user_of(token: &OwnedHandle) -> io::Result<String> {
    let told = ask(token, TokenUser)?;
    // SAFETY: the system has written such a struct, to memory that is aligned for it.
    let user = unsafe { told.as_ptr().cast::<TOKEN_USER>().read() };
    // SAFETY: it lies behind the struct, and `told` is where the system wrote it until the end of this function.
    unsafe { text_of(user.User.Sid) }
}

/// What the system says of a token. It may point into itself, so it stays where it is.
fn ask(token: &OwnedHandle, about: TOKEN_INFORMATION_CLASS) -> io::Result<Box<[u64; ROOM]>> {
    let mut told = Box::new([0; ROOM]);
    let (room, mut length) = (size_of::<[u64; ROOM]>() as u32, 0);
    // SAFETY: the handle is open, and there is so much room.
    succeeded(unsafe {
        GetTokenInformation(token.as_raw_handle(), about, told.as_mut_ptr().cast(), room, &raw mut length)
    })?;
    Ok(told)
}

/// # Safety
/// The SID is valid.
unsafe fn text_of(sid: PSID) -> io::Result<String> {
    let mut text = ptr::null_mut();
    // SAFETY: as promised by the caller; the text is written to a place of our own.
    succeeded(unsafe { ConvertSidToStringSidW(sid, &raw mut text) })?;
    let _text = Local(text.cast());
    let mut read = Vec::new();
    loop {
        // SAFETY: the text ends with a zero, and nothing behind that is read.
        match unsafe { text.add(read.len()).read() } {
            0 => return Ok(String::from_utf16_lossy(&read)),
            unit => read.push(unit),
        }
    }
}

fn succeeded(outcome: i32) -> io::Result<()> {
    match outcome {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Memory that the system made for us.
struct Local(*mut c_void);

impl Drop for Local {
    fn drop(&mut self) {
        // SAFETY: it was made for this value, which alone frees it.
        unsafe { LocalFree(self.0) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_has_a_sid_and_the_pipe_is_for_that_alone() {
        let user = user().unwrap();
        let parts: Vec<&str> = user.split('-').collect();
        assert!(parts[0] == "S" && parts.len() > 3, "{user}");
        assert!(parts[1..].iter().all(|part| part.parse::<u64>().is_ok()), "{user}");
        is_elevated().unwrap();
        assert_eq!(sddl("S-1-5-18"), "O:S-1-5-18D:P(A;;GA;;;S-1-5-18)");
        let descriptor = Descriptor::of_user_alone(&user).unwrap();
        assert!(!descriptor.attributes().lpSecurityDescriptor.is_null());
        assert!(Descriptor::of_user_alone("nobody").is_err());
    }
}
