//! The machine: bytes in, calls out.

use std::ffi::{CStr, CString, c_char, c_void};
use std::path::Path;
use std::ptr::{null, null_mut};
use std::slice;

use rekall_ffi::*;

use crate::callbacks::{self, DESTROYED, NOW};

pub(crate) const DIMENSIONS: usize = 8;

/// An option struct with room for any size that it may claim.
#[repr(C, align(16))]
pub(crate) struct Padded<T> {
    pub(crate) value: T,
    tail: [u8; 4200],
}

pub(crate) fn padded<T>() -> Padded<T> {
    // SAFETY: only used for structs of which all bytes zero are a value.
    unsafe { std::mem::zeroed() }
}

/// Calls made: in all, those that can fail, those of them that did not.
#[derive(Default, Clone, Copy)]
pub(crate) struct Counts {
    pub(crate) calls: u64,
    pub(crate) fallible: u64,
    pub(crate) succeeded: u64,
    /// One bit for each operation of which a call succeeded.
    pub(crate) worked: u64,
}

impl Counts {
    pub(crate) fn add(&mut self, more: Self) {
        self.calls += more.calls;
        self.fallible += more.fallible;
        self.succeeded += more.succeeded;
        self.worked |= more.worked;
    }
}

pub(crate) struct Machine<'a> {
    bytes: slice::Iter<'a, u8>,
    folder: &'a Path,
    pub(crate) db: *mut Handle,
    pub(crate) entry: *mut EntryObject,
    pub(crate) hits: *mut Hits,
    pub(crate) links: *mut Links,
    pub(crate) near: *mut Neighbors,
    pub(crate) page: *mut Page,
    pub(crate) report: *mut ReportObject,
    pub(crate) token: *mut Token,
    pub(crate) ids: Vec<Id>,
    texts: Vec<CString>,
    counts: Counts,
    /// Handed over with a destroy function, which is called in any case.
    pub(crate) handed_over: u64,
}

impl<'a> Machine<'a> {
    pub(crate) fn new(bytes: &'a [u8], folder: &'a Path) -> Self {
        DESTROYED.set(0);
        NOW.set(0);
        Self {
            bytes: bytes.iter(),
            folder,
            db: null_mut(),
            entry: null_mut(),
            hits: null_mut(),
            links: null_mut(),
            near: null_mut(),
            page: null_mut(),
            report: null_mut(),
            token: null_mut(),
            ids: Vec::new(),
            texts: Vec::new(),
            counts: Counts::default(),
            handed_over: 0,
        }
    }

    pub(crate) fn run(mut self) -> Counts {
        // SAFETY: every pointer is NULL or good, every object is freed once; that is what the machine sees to.
        unsafe {
            self.reopen();
            while self.bytes.len() > 0 {
                let (operation, before) = (self.byte(), self.counts.succeeded);
                self.step(operation);
                self.counts.worked |= u64::from(self.counts.succeeded > before) << (operation % 40);
                if self.texts.len() > 256 {
                    self.texts.clear();
                }
            }
            self.end();
        }
        assert_eq!(DESTROYED.get(), self.handed_over, "destroyed once, each of them");
        self.counts
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.bytes.next().copied().unwrap_or(0)
    }

    pub(crate) fn chance(&mut self, of: u8) -> bool {
        self.byte() < of
    }

    /// A pointer to bytes that live as long as the machine, NUL behind them.
    pub(crate) fn text(&mut self) -> (*const c_char, usize) {
        const WORDS: [&str; 10] =
            ["alpha", "beta", "", "one two", "\u{e9}t\u{e9}", "!x", "?", "{}", "{\"a\":1}", "alpha beta"];
        let kind = self.byte();
        let mut bytes = match kind {
            0..=220 => WORDS[usize::from(kind) % WORDS.len()].as_bytes().to_vec(),
            221..=245 => (0..self.byte() % 32).map(|_| self.byte()).collect(),
            246..=250 => vec![b'a'; 6000],
            _ => return (null(), usize::from(self.byte() % 3)),
        };
        bytes.retain(|byte| *byte != 0);
        let len = if self.chance(20) { REKALL_NTS } else { bytes.len() };
        self.texts.push(CString::new(bytes).unwrap());
        (self.texts[self.texts.len() - 1].as_ptr(), len)
    }

    pub(crate) fn given(&mut self) -> Str {
        let (data, len) = self.text();
        Str { data, len }
    }

    /// Mostly a known id.
    pub(crate) fn id(&mut self) -> *const c_char {
        match self.byte() {
            0..=230 if !self.ids.is_empty() => {
                let at = usize::from(self.byte()) % self.ids.len();
                self.ids[at].text.as_ptr()
            }
            255 => null(),
            _ => self.text().0,
        }
    }

    pub(crate) fn know(&mut self, id: Id) {
        self.ids.push(id);
        if self.ids.len() > 40 {
            self.ids.remove(0);
        }
    }

    /// A path of one of a few files.
    pub(crate) fn path(&mut self, name: &str, of: u8) -> *const c_char {
        let path = self.folder.join(format!("{name}{}", self.byte() % of));
        self.texts.push(CString::new(path.to_str().unwrap()).unwrap());
        self.texts[self.texts.len() - 1].as_ptr()
    }

    /// Mostly below a limit.
    pub(crate) fn number(&mut self, below: u8) -> u32 {
        let byte = self.byte();
        u32::from(if self.chance(245) { byte % below } else { byte })
    }

    /// A limit or an index: mostly a usual one, else the ends of what there is.
    pub(crate) fn extent(&mut self, usual: u8) -> usize {
        match self.byte() {
            byte @ 0..=244 => usize::from(byte % usual),
            245 | 246 => 1,
            247 | 248 => 100_000,
            249 | 250 => 100_001,
            251 | 252 => usize::MAX - 1,
            _ => usize::MAX,
        }
    }

    /// Mostly the real one.
    pub(crate) fn size(&mut self, real: usize) -> usize {
        match self.byte() {
            0..=250 => real,
            251..=253 => usize::from(self.byte()) * 8,
            254 => usize::from(self.byte()) * 17,
            _ => usize::from(self.byte()) << 56,
        }
    }

    /// For a callback to see that it should fail.
    pub(crate) fn signal(&mut self) -> *mut c_void {
        if self.chance(60) { std::ptr::dangling_mut::<u64>().cast() } else { null_mut() }
    }

    pub(crate) fn watch(&mut self) -> Padded<Watch> {
        let mut watch = padded::<Watch>();
        watch.value.struct_size = self.size(size_of::<Watch>());
        watch.value.progress = self.chance(128).then_some(callbacks::progress);
        watch.value.user_data = self.signal();
        watch.value.token = if self.chance(128) { self.token } else { null_mut() };
        watch
    }

    /// Calls that cannot fail.
    pub(crate) fn called(&mut self, times: u64) {
        self.counts.calls += times;
    }

    /// Checks what every call promises; frees the error.
    pub(crate) fn done(&mut self, status: i32, error: *mut ErrorObject, empty: bool) {
        self.counts.add(Counts {
            calls: 1,
            fallible: 1,
            succeeded: u64::from(status == REKALL_OK),
            worked: 0,
        });
        assert_ne!(status, REKALL_PANIC);
        assert_ne!(status, REKALL_ERROR);
        assert_eq!(status == REKALL_OK, error.is_null());
        assert!(status == REKALL_OK || empty, "an output is set after {status}");
        // SAFETY: NULL or an error of the call.
        unsafe {
            assert_eq!(rekall_error_status(error), status);
            let said = CStr::from_ptr(rekall_error_message(error)).to_str().unwrap();
            assert_eq!(said.is_empty(), status == REKALL_OK);
            assert!(!CStr::from_ptr(rekall_status_name(status)).is_empty());
            rekall_error_free(error);
        }
    }

    /// # Safety
    /// Every pointer of the machine is NULL or good.
    unsafe fn step(&mut self, operation: u8) {
        // SAFETY: as promised by the caller.
        unsafe {
            match operation % 40 {
                0 if operation < 80 => self.reopen(),
                1..=5 => self.remember(),
                6 if operation < 130 => self.forget(),
                6 if operation < 210 => self.sets(),
                6 => self.spaces(),
                7..=9 => self.get(),
                10 => self.remember_many(),
                11 | 12 => self.update(),
                13..=18 => self.search(operation),
                19 => self.link(),
                20 | 21 => self.near(operation),
                22 | 23 => self.embed(operation),
                24 => self.new_token(),
                25 if operation > 200 => self.cancel(),
                26 => self.interrupt(),
                27 | 28 if operation > 60 => self.upkeep(),
                29 => self.embed_pending(),
                30 if operation > 130 => self.reembed(),
                31 | 32 => self.figures(operation),
                33 | 34 => self.model(),
                35 => self.batch(),
                36 if operation > 100 => self.audit_index(),
                37 => self.update_with_vector(),
                38 => self.together(),
                39 => {
                    self.set_up(self.counts.calls);
                    self.check_settings(self.counts.calls);
                    self.read();
                }
                _ => self.read(),
            }
        }
    }

    /// # Safety
    /// As for [`step`](Self::step); nothing is used again. Closed first: the others must not mind.
    unsafe fn end(&mut self) {
        // SAFETY: NULL or objects that were not freed.
        unsafe {
            rekall_close(self.db);
            self.db = null_mut();
            self.read();
            rekall_entry_free(self.entry);
            rekall_hits_free(self.hits);
            rekall_links_free(self.links);
            rekall_neighbors_free(self.near);
            rekall_page_free(self.page);
            rekall_report_free(self.report);
            rekall_token_free(self.token);
        }
    }
}
