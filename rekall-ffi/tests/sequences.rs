//! Sequences of calls driven by bytes: whatever the order, the sizes, the NULLs and the texts, nothing crashes, every
//! failed call has its error, and every output is empty after a failure.
//!
//! `REKALL_FUZZ_CALLS=1000000 cargo test --release -p rekall-ffi --test sequences` runs a million calls;
//! `REKALL_FUZZ_SEED` chooses others. A sequence that failed is printed as hexadecimal digits: put its bytes into
//! tests/corpus, whose files are run first.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

use std::ffi::{CString, c_char, c_void};
use std::fs;
use std::path::Path;
use std::ptr::{null, null_mut};

use rekall_ffi::*;

const DIMENSIONS: usize = 8;

/// An option struct with room for any size that it may claim.
#[repr(C, align(16))]
struct Padded<T> {
    value: T,
    tail: [u8; 4200],
}

fn padded<T>() -> Padded<T> {
    // SAFETY: only used for structs of which all bytes zero are a value.
    unsafe { std::mem::zeroed() }
}

struct Machine<'a> {
    bytes: std::slice::Iter<'a, u8>,
    folder: &'a Path,
    db: *mut Handle,
    entry: *mut EntryObject,
    hits: *mut Hits,
    links: *mut Links,
    near: *mut Neighbours,
    report: *mut ReportObject,
    token: *mut Token,
    ids: Vec<Id>,
    texts: Vec<CString>,
    calls: u64,
    fallible: u64,
    succeeded: u64,
    files: u32,
}

/// A callback that fails when the first byte of its text says so.
unsafe extern "C" fn embed(
    _: *mut c_void,
    _: u32,
    texts: *const Str,
    count: usize,
    rows: *mut f32,
    dimensions: usize,
) -> i32 {
    for at in 0..count {
        // SAFETY: the library promises count texts of their length, and count rows.
        let (text, row) = unsafe {
            let text = &*texts.add(at);
            let bytes = std::slice::from_raw_parts(text.data.cast::<u8>(), text.len);
            (bytes, std::slice::from_raw_parts_mut(rows.add(at * dimensions), dimensions))
        };
        match text.first() {
            Some(b'!') => return i32::from(text.len() as u8),
            Some(b'?') => row[0] = f32::NAN,
            _ => {}
        }
        for byte in text {
            row[usize::from(*byte) % dimensions] += 1.0;
        }
    }
    0
}

unsafe extern "C" fn progress(data: *mut c_void, _: u64, _: u64) -> i32 {
    i32::from(!data.is_null())
}

unsafe extern "C" fn write(data: *mut c_void, _: *const c_char, _: usize) -> i32 {
    if data.is_null() { 0 } else { REKALL_IO }
}

impl<'a> Machine<'a> {
    fn byte(&mut self) -> u8 {
        self.bytes.next().copied().unwrap_or(0)
    }

    fn chance(&mut self, of: u8) -> bool {
        self.byte() < of
    }

    /// A pointer to bytes that live as long as the machine, NUL behind them.
    fn text(&mut self) -> (*const c_char, usize) {
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

    fn given(&mut self) -> Str {
        let (data, len) = self.text();
        Str { data, len }
    }

    fn id(&mut self) -> *const c_char {
        match self.byte() {
            0..=230 if !self.ids.is_empty() => {
                let at = usize::from(self.byte()) % self.ids.len();
                self.ids[at].text.as_ptr()
            }
            255 => null(),
            _ => self.text().0,
        }
    }

    /// Mostly below a limit.
    fn number(&mut self, below: u8) -> u32 {
        let byte = self.byte();
        u32::from(if self.chance(245) { byte % below } else { byte })
    }

    fn size(&mut self, real: usize) -> usize {
        match self.byte() {
            0..=250 => real,
            251..=253 => usize::from(self.byte()) * 8,
            254 => usize::from(self.byte()) * 17,
            _ => usize::from(self.byte()) << 56,
        }
    }

    /// Checks what every call promises; frees the error.
    fn done(&mut self, status: i32, error: *mut ErrorObject, empty: bool) {
        self.calls += 1;
        self.fallible += 1;
        self.succeeded += u64::from(status == REKALL_OK);
        assert_ne!(status, REKALL_PANIC);
        assert_ne!(status, REKALL_ERROR);
        assert_eq!(status == REKALL_OK, error.is_null());
        assert!(status == REKALL_OK || empty, "an output is set after {status}");
        // SAFETY: NULL or an error of the call.
        unsafe {
            assert_eq!(rekall_error_status(error), status);
            rekall_error_free(error);
        }
    }

    fn run(&mut self) {
        while self.bytes.len() > 0 {
            let operation = self.byte();
            // SAFETY: every pointer is NULL or good, every object is freed once; that is what the machine sees to.
            unsafe { self.step(operation) };
            if self.texts.len() > 256 {
                self.texts.clear();
            }
        }
    }

    /// # Safety
    /// None needed from the caller: see [`run`](Self::run).
    unsafe fn step(&mut self, operation: u8) {
        let mut error = null_mut();
        let e = &raw mut error;
        // SAFETY: as in `run`.
        unsafe {
            match operation % 33 {
                0 if operation < 80 => self.reopen(),
                1..=5 => {
                    let mut options = padded::<EntryInput>();
                    options.value.struct_size = self.size(size_of::<EntryInput>());
                    options.value.title = self.given();
                    if self.chance(100) {
                        options.value.content = self.given();
                        options.value.metadata = Str { data: c"{\"n\":[1]}".as_ptr(), len: REKALL_NTS };
                        if self.chance(40) {
                            options.value.metadata = self.given();
                        }
                        options.value.kind = self.given();
                    }
                    let tags = [self.given(), self.given()];
                    options.value.tags = tags.as_ptr();
                    options.value.tags_count = usize::from(self.byte() % 3);
                    options.value.flags = u32::from(self.chance(30));
                    options.value.confidence = self.number(6);
                    let mut id = Id { text: [1; 27] };
                    let status = rekall_remember(self.db, &raw const options.value, null(), &raw mut id, e);
                    self.done(status, error, id.text[0] == 0);
                    if status == REKALL_OK {
                        self.ids.push(id);
                    }
                    if self.ids.len() > 40 {
                        self.ids.remove(0);
                    }
                }
                6 => {
                    let id = self.id();
                    let status = rekall_forget(self.db, id, e);
                    self.done(status, error, true);
                }
                7..=10 => {
                    rekall_entry_free(self.entry);
                    let id = self.id();
                    let status = rekall_get(self.db, id, &raw mut self.entry, e);
                    self.done(status, error, self.entry.is_null());
                }
                11 | 12 => {
                    rekall_entry_free(self.entry);
                    let id = self.id();
                    let mut patch = padded::<Patch>();
                    patch.value.struct_size = self.size(size_of::<Patch>());
                    patch.value.flags = u32::from(self.byte() % 32);
                    patch.value.title = self.given();
                    patch.value.project = self.given();
                    patch.value.status = self.number(3);
                    patch.value.superseded_by = if self.chance(40) { self.id() } else { null() };
                    let status = rekall_update(self.db, id, &raw const patch.value, &raw mut self.entry, e);
                    self.done(status, error, self.entry.is_null());
                }
                13..=18 => self.search(operation),
                19 => {
                    let (source, target, relation, reason) =
                        (self.id(), self.id(), self.text().0, self.given());
                    let status = rekall_link(self.db, source, target, relation, reason.data, reason.len, e);
                    self.done(status, error, true);
                }
                20 => {
                    rekall_links_free(self.links);
                    let id = self.id();
                    let status = rekall_links_of(self.db, id, &raw mut self.links, e);
                    self.done(status, error, self.links.is_null());
                }
                21 => {
                    rekall_neighbours_free(self.near);
                    let (id, depth) = (self.id(), usize::from(self.byte()));
                    let status = rekall_neighbours_of(self.db, id, depth, &raw mut self.near, e);
                    self.done(status, error, self.near.is_null());
                }
                22 => {
                    let mut stats = padded::<Stats>();
                    stats.value.struct_size = self.size(size_of::<Stats>());
                    let status = rekall_get_stats(self.db, &raw mut stats.value, e);
                    self.done(status, error, true);
                }
                23 => {
                    let (text, purpose) = (self.given(), self.number(2));
                    let (mut row, mut len) = ([0.0f32; DIMENSIONS], 7);
                    let capacity = usize::from(self.byte()) % (DIMENSIONS + 1);
                    let status = rekall_embed(
                        self.db,
                        purpose,
                        text.data,
                        text.len,
                        row.as_mut_ptr(),
                        capacity,
                        &raw mut len,
                        e,
                    );
                    self.done(status, error, len == 0 || status == REKALL_BUFFER_TOO_SMALL);
                }
                24 => {
                    rekall_token_free(self.token);
                    self.token = if self.chance(128) { rekall_token_new() } else { null_mut() };
                    self.calls += 2;
                }
                25 if operation > 200 => {
                    rekall_token_cancel(self.token);
                    self.calls += 1;
                }
                26 => {
                    rekall_interrupt(self.db);
                    self.calls += 1;
                }
                27 if operation > 100 => self.upkeep(),
                28 => {
                    let mut done = padded::<Embedded>();
                    done.value.struct_size = self.size(size_of::<Embedded>());
                    let watch = self.watch();
                    let status =
                        rekall_embed_pending(self.db, &raw const watch.value, &raw mut done.value, e);
                    self.done(status, error, true);
                }
                29 => {
                    let mut buffer = [0; 40];
                    let capacity = usize::from(self.byte() % 41);
                    let status = rekall_fingerprint(self.db, buffer.as_mut_ptr(), capacity, null_mut(), e);
                    self.done(status, error, buffer[0] == 0);
                }
                30 => {
                    let status = rekall_clear_cache(self.db, e);
                    self.done(status, error, true);
                }
                _ => self.read(),
            }
        }
    }

    /// # Safety
    /// As for [`step`](Self::step).
    unsafe fn reopen(&mut self) {
        let mut error = null_mut();
        let mut options = padded::<OpenOptions>();
        let mut own = padded::<HostEmbedder>();
        own.value.struct_size = self.size(size_of::<HostEmbedder>());
        own.value.name = c"bytes".as_ptr();
        own.value.dimensions = if self.chance(5) { 3 } else { DIMENSIONS };
        own.value.max_tokens = if self.chance(60) { 40 } else { 0 };
        own.value.embed = Some(embed);
        options.value.struct_size = self.size(size_of::<OpenOptions>());
        options.value.flags =
            if self.chance(40) { u32::from(self.byte()) & !REKALL_OPEN_SYNC_FULL } else { 0 };
        options.value.cache_max_size = u64::from(self.byte());
        options.value.embedder = if self.chance(210) { &raw const own.value } else { null() };
        let path = self.folder.join(format!("{}.db", self.byte() % 3));
        let path = CString::new(path.to_str().unwrap()).unwrap();
        // SAFETY: as in `run`.
        unsafe {
            rekall_close(self.db);
            let status =
                rekall_open(path.as_ptr(), &raw const options.value, &raw mut self.db, &raw mut error);
            self.done(status, error, self.db.is_null());
        }
    }

    fn watch(&mut self) -> Padded<Watch> {
        let mut watch = padded::<Watch>();
        watch.value.struct_size = self.size(size_of::<Watch>());
        watch.value.progress = self.chance(128).then_some(progress);
        watch.value.user_data =
            if self.chance(60) { std::ptr::dangling_mut::<u64>().cast() } else { null_mut() };
        watch.value.token = if self.chance(128) { self.token } else { null_mut() };
        watch
    }

    /// # Safety
    /// As for [`step`](Self::step).
    unsafe fn search(&mut self, operation: u8) {
        let mut error = null_mut();
        let e = &raw mut error;
        let mut filter = padded::<Filter>();
        filter.value.struct_size = self.size(size_of::<Filter>());
        let list = [self.given(), self.given()];
        if self.chance(60) {
            filter.value.flags = self.number(16);
            filter.value.status = self.number(4);
            filter.value.kinds = list.as_ptr();
            filter.value.kinds_count = usize::from(self.byte() % 3);
            filter.value.tags_any = list.as_ptr();
            filter.value.tags_any_count = usize::from(self.byte() % 3);
            filter.value.created_after_ms = i64::from(self.byte());
        }
        let mut options = padded::<RecallOptions>();
        options.value.struct_size = self.size(size_of::<RecallOptions>());
        options.value.mode = self.number(4);
        options.value.flags = self.number(8);
        options.value.threshold = f32::from(self.byte()) / 100.0 - 1.0;
        options.value.semantic_weight = f64::from(self.byte()) - 1.0;
        options.value.limit = usize::from(self.byte() % 20);
        options.value.role = self.number(3);
        options.value.filter = if self.chance(128) { &raw const filter.value } else { null() };
        options.value.token = if self.chance(30) { self.token } else { null_mut() };
        let vector: [f32; DIMENSIONS] = std::array::from_fn(|_| f32::from(self.byte()) - 100.0);
        // SAFETY: as in `run`.
        unsafe {
            rekall_hits_free(self.hits);
            let out = &raw mut self.hits;
            let (status, found) = match operation % 3 {
                0 => {
                    let query = self.given();
                    let status =
                        rekall_recall(self.db, query.data, query.len, &raw const options.value, out, e);
                    (status, self.hits)
                }
                1 => {
                    let len =
                        if self.chance(240) { DIMENSIONS } else { usize::from(self.byte()) % DIMENSIONS };
                    let status =
                        rekall_recall_vector(self.db, vector.as_ptr(), len, &raw const options.value, out, e);
                    (status, self.hits)
                }
                _ => {
                    let id = self.id();
                    let status = rekall_similar(self.db, id, null(), out, e);
                    (status, self.hits)
                }
            };
            self.done(status, error, found.is_null());
        }
    }

    /// # Safety
    /// As for [`step`](Self::step).
    unsafe fn upkeep(&mut self) {
        let mut error = null_mut();
        let e = &raw mut error;
        let watch = self.watch();
        self.files += 1;
        let path = self.folder.join(format!("out{}", self.files % 4));
        let path = CString::new(path.to_str().unwrap()).unwrap();
        // SAFETY: as in `run`.
        unsafe {
            rekall_report_free(self.report);
            self.report = null_mut();
            let (db, path, watch, out) =
                (self.db, path.as_ptr(), &raw const watch.value, &raw mut self.report);
            let data = if self.chance(60) { std::ptr::dangling_mut::<u64>().cast() } else { null_mut() };
            let status = match self.byte() % 9 {
                0 => rekall_check(db, out, e),
                1 => rekall_repair(db, out, e),
                2 => rekall_compact(db, out, e),
                3 => rekall_export_jsonl(db, path, watch, out, e),
                4 => rekall_import_jsonl(db, path, u32::from(self.byte() % 4), watch, out, e),
                5 => rekall_export_jsonl_to(db, Some(write), data, watch, out, e),
                6 => rekall_backup(db, path, watch, e),
                7 => rekall_probe_legacy(path, out, e),
                _ => rekall_import_legacy(db, path, i32::from(self.byte()), watch, out, e),
            };
            self.done(status, error, self.report.is_null());
        }
    }

    /// Accessors, at any index, of whatever there is.
    ///
    /// # Safety
    /// As for [`step`](Self::step).
    unsafe fn read(&mut self) {
        let (index, part) = (usize::from(self.byte() % 14), u32::from(self.byte() % 9));
        let mut len = 0;
        let l = &raw mut len;
        // SAFETY: as in `run`.
        unsafe {
            let mut entry: *const EntryObject = self.entry;
            if self.chance(128) {
                entry = rekall_hits_entry(self.hits, index);
            }
            let texts = [
                rekall_entry_title(entry, l),
                rekall_entry_content(entry, l),
                rekall_entry_kind(entry, l),
                rekall_entry_project(entry, l),
                rekall_entry_memory_type(entry, l),
                rekall_entry_json(entry, l),
                rekall_entry_tag(entry, index, l),
                rekall_entry_context_text(entry, part, index, l),
                rekall_entry_metadata(entry, l),
                rekall_entry_legacy(entry, l),
                rekall_hits_degraded(self.hits, index, l),
                rekall_links_relation(self.links, index, l),
                rekall_links_reason(self.links, index, l),
                rekall_report_json(self.report, l),
                rekall_report_line(self.report, index, l),
                rekall_neighbours_id(self.near, index),
                rekall_links_target(self.links, index),
            ];
            for text in texts.into_iter().filter(|text| !text.is_null()) {
                std::ffi::CStr::from_ptr(text).to_str().unwrap();
            }
            assert!(rekall_hits_score(self.hits, index).is_nan() == (index >= rekall_hits_count(self.hits)));
            let _ = (rekall_hits_similarity(self.hits, index), rekall_hits_leg_rank(self.hits, index, part));
            let _ = (rekall_entry_context_count(entry, part), rekall_entry_tag_count(entry));
            let _ = rekall_report_number(self.report, c"entries".as_ptr());
        }
        self.calls += 24;
    }
}

impl Drop for Machine<'_> {
    fn drop(&mut self) {
        // SAFETY: NULL or objects that were not freed. Closed first: the others must not mind.
        unsafe {
            rekall_close(self.db);
            self.read();
            rekall_entry_free(self.entry);
            rekall_hits_free(self.hits);
            rekall_links_free(self.links);
            rekall_neighbours_free(self.near);
            rekall_report_free(self.report);
            rekall_token_free(self.token);
        }
    }
}

/// Runs one sequence; how many calls it made: in all, those that can fail, those of them that did not.
fn run(bytes: &[u8]) -> [u64; 3] {
    struct Tell<'a>(&'a [u8]);
    impl Drop for Tell<'_> {
        fn drop(&mut self) {
            if std::thread::panicking() {
                let digits: String = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
                eprintln!("the sequence: {digits}");
            }
        }
    }
    let _tell = Tell(bytes);
    let folder = tempfile::tempdir().unwrap();
    let mut machine = Machine {
        bytes: bytes.iter(),
        folder: folder.path(),
        db: null_mut(),
        entry: null_mut(),
        hits: null_mut(),
        links: null_mut(),
        near: null_mut(),
        report: null_mut(),
        token: null_mut(),
        ids: Vec::new(),
        texts: Vec::new(),
        calls: 0,
        fallible: 0,
        succeeded: 0,
        files: 0,
    };
    // SAFETY: see `step`.
    unsafe { machine.reopen() };
    machine.run();
    [machine.calls, machine.fallible, machine.succeeded]
}

fn corpus() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn the_corpus_runs() {
    let mut files: Vec<_> = fs::read_dir(corpus()).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 8);
    for file in files {
        eprintln!("{}", file.display());
        run(&fs::read(file).unwrap());
    }
}

#[test]
fn random_sequences_run() {
    let (wanted, seed) =
        (number("REKALL_FUZZ_CALLS").unwrap_or(200_000), number("REKALL_FUZZ_SEED").unwrap_or(1));
    eprintln!("REKALL_FUZZ_SEED={seed}");
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut made = [0; 3];
    while made[0] < wanted {
        let bytes: Vec<u8> = (0..6000)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                (state >> 32) as u8
            })
            .collect();
        for (sum, more) in made.iter_mut().zip(run(&bytes)) {
            *sum += more;
        }
    }
    let [calls, fallible, succeeded] = made;
    println!("{calls} calls, {fallible} of them can fail, {succeeded} of these did not");
    assert!(succeeded * 4 > fallible, "most calls were refused at the door: that tests little");
}
